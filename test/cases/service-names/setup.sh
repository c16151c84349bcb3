mkdir -p "services/new
line" services/bootlace/own; touch "services/new
line/service.yaml" services/bootlace/own/service.yaml
mkdir services/$(printf 'a%.0s' $(seq 70))
ln -s web services/link
