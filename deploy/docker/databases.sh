#!/usr/bin/env bash
# Run once by the postgres image when its volume is empty: one database and one role for each
# service; nobody else may connect to it.
set -euo pipefail
for file in /run/secrets/*.postgres.password; do
    name=$(basename "$file" .postgres.password)
    psql -X -q -v ON_ERROR_STOP=1 -U postgres <<END
        create role grapevine_$name login password '$(<"$file")';
        create database grapevine_$name owner grapevine_$name;
        revoke all on database grapevine_$name from public;
END
done
