package nemesis

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/lab/pgcluster"
)

// TerminateSessions ends the replicas' sessions, as an operator or a pooler does.
func TerminateSessions(databaseURL string) Fault {
	return Fault{"terminated sessions", func(ctx context.Context) (Mend, error) {
		conn, err := pgx.Connect(ctx, databaseURL)
		if err != nil {
			return nil, err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		ended, err := conn.Exec(ctx, `WITH theirs AS MATERIALIZED (
				SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'dummymessenger'
			) SELECT pid FROM theirs WHERE pg_terminate_backend(pid)`)
		if err == nil && ended.RowsAffected() == 0 {
			err = errors.New("no replica had a session")
		}
		return nothing, err
	}}
}

// StopPostgres shuts PostgreSQL down at once.
func StopPostgres(c *pgcluster.Cluster) Fault {
	return Fault{"immediate stop of PostgreSQL", func(context.Context) (Mend, error) {
		return c.Restart, c.Kill()
	}}
}

// KillPostgres kills PostgreSQL with all of its processes.
func KillPostgres(c *pgcluster.Cluster) Fault {
	return Fault{"kill -9 of all of PostgreSQL", func(context.Context) (Mend, error) {
		return c.Restart, c.KillHard()
	}}
}

// FailOver kills the primary; its standby takes over. Mended, the old primary
// is the standby.
func FailOver(p *pgcluster.Pair) Fault {
	return Fault{"kill -9 of the primary, and failover", func(ctx context.Context) (Mend, error) {
		return p.Rejoin, p.FailOver(ctx)
	}}
}

// LoseStandby kills the standby, for which commits wait.
func LoseStandby(p *pgcluster.Pair) Fault {
	return Fault{"synchronous standby away", func(context.Context) (Mend, error) {
		return func(ctx context.Context) error {
			return errors.Join(p.Standby.Restart(ctx), p.Primary.WaitSync(ctx))
		}, p.Standby.KillHard()
	}}
}
