printf 'description: caf\351\n' > services/web/service.yaml
