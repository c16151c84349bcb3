{ printf 'description: '; yes '[' | head -n 20000 | tr -d '\n'; } > services/web/service.yaml
