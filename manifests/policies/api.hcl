# The API service reads its own secrets, works with customers' connection strings, and gets a database account.
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

path "database/creds/sql2ai-api" {
  capabilities = ["read"]
}
