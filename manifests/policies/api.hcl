# The API service reads its own secrets and works with customers' connection strings.
path "kv/data/api/*" {
  capabilities = ["read"]
}

path "kv/metadata/api/*" {
  capabilities = ["list", "read"]
}

path "transit/encrypt/connections" {
  capabilities = ["update"]
}

path "transit/decrypt/connections" {
  capabilities = ["update"]
}
