#!/bin/sh
# Run once by the postgres image, on an empty volume: the roles and the databases.
#   temporal    owns the engine's two databases
#   tousu       owns the application's database; only the set-up uses it
#   tousu_app   what the workers are; its rights come from the migrations, which `tousu` may check by acting as it
set -eu

psql --username "$POSTGRES_USER" --set ON_ERROR_STOP=1 \
  --set temporal="$TEMPORAL_DB_PASSWORD" --set owner="$TOUSU_OWNER_PASSWORD" --set app="$TOUSU_APP_PASSWORD" <<'SQL'
create role temporal login password :'temporal';
create role tousu login password :'owner';
create role tousu_app login password :'app';
grant tousu_app to tousu;
create database temporal owner temporal;
create database temporal_visibility owner temporal;
create database tousu owner tousu;
revoke connect on database temporal, temporal_visibility, tousu from public;
grant connect on database tousu to tousu_app;
SQL
