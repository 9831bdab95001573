#!/usr/bin/env bash
# Makes a new PostgreSQL the primary of compose.ha.yaml. The image runs it once,
# when it has created the database and before others can connect.
set -euo pipefail

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" \
	--username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<-'SQL' >/dev/null
	CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'password';
	SELECT pg_create_physical_replication_slot('standby');
	-- Last, and for the next start: the standby is not there yet, and a commit
	-- would wait for it. As a flag of the command it would already count now.
	ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (standby)';
SQL

# The image's own lines do not cover replication: "all" does not mean it.
echo "host replication replicator samenet scram-sha-256" >>"$PGDATA/pg_hba.conf"
