#!/usr/bin/env bash
# The synchronous standby of compose.ha.yaml: copies the primary at the first
# start, and then follows it.
set -euo pipefail

if [[ ! -e $PGDATA ]]; then
	rm -rf "$PGDATA.copying" # of a start that was cut short
	PGPASSWORD=$POSTGRES_PASSWORD pg_basebackup --pgdata "$PGDATA.copying" \
		--dbname "host=$PRIMARY_HOST port=${PRIMARY_PORT:-5432} user=replicator application_name=standby" \
		--slot standby --checkpoint fast --write-recovery-conf
	mv "$PGDATA.copying" "$PGDATA"
fi

# The copy has the primary's synchronous_standby_names, too. Once promoted there
# is no second standby to wait for: it goes on alone.
exec postgres -c synchronous_standby_names= "$@"
