package pgcluster_test

import (
	"context"
	"testing"
	"time"

	"dummymessenger/internal/pgcluster"
	"dummymessenger/internal/pgtest"
)

// What a primary has confirmed is on the standby, and the two can change
// places and back.
func TestPairChangesPlaces(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	primary := pgtest.Cluster(t, pgcluster.Config{Pair: true})
	standby, err := primary.StartStandby(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { standby.Stop() })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(primary.Set(ctx, "synchronous_standby_names", "*"))
	must(primary.WaitSync(ctx))
	databaseURL := pgcluster.PairURL(primary, standby, "postgres")
	conn := connect(t, databaseURL)
	if _, err := conn.Exec(ctx, "CREATE TABLE t (n int)"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := connect(t, databaseURL).Exec(ctx, "INSERT INTO t VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		must(primary.KillHard())
		must(standby.Promote(ctx))
		must(standby.Set(ctx, "synchronous_standby_names", ""))
		must(primary.Follow(ctx, standby))
		primary, standby = standby, primary
		must(primary.Set(ctx, "synchronous_standby_names", "*"))
		must(primary.WaitSync(ctx))
	}
	if got := value(t, connect(t, databaseURL), "SELECT count(*)::text FROM t"); got != "2" {
		t.Errorf("after two failovers the table has %s rows, want 2", got)
	}
}
