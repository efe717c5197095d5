#!/bin/sh
# Bring the engine's two databases to the schema of this admin-tools image. May be repeated.
set -eu

tool() {
  database=$1
  shift
  temporal-sql-tool --plugin "$DB" --ep "$POSTGRES_SEEDS" -p "$DB_PORT" -u "$POSTGRES_USER" --db "$database" "$@"
}

migrate() {
  database=$1
  versions=/etc/temporal/schema/postgresql/v12/$2/versioned
  if output=$(tool "$database" update-schema -d "$versions" 2>&1); then
    echo "$output"
    return
  fi
  echo "$output"
  # Only an empty database is set up: on any other this would reset the version and replay everything.
  case $output in
    *schema_version*"does not exist"*) ;;
    *) exit 1 ;;
  esac
  tool "$database" setup-schema -v 0.0
  tool "$database" update-schema -d "$versions"
}

migrate "$DBNAME" temporal
migrate "$VISIBILITY_DBNAME" visibility
