package pgcluster_test

import (
	"context"
	"testing"
	"time"

	"dummymessenger/internal/lab/labtest"
)

// What a primary has confirmed is on the standby, and the two can change
// places and back.
func TestPairChangesPlaces(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pair := labtest.Pair(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	databaseURL := pair.URL("postgres")
	conn := connect(t, databaseURL)
	if _, err := conn.Exec(ctx, "CREATE TABLE t (n int)"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := connect(t, databaseURL).Exec(ctx, "INSERT INTO t VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		must(pair.FailOver(ctx))
		must(pair.Rejoin(ctx))
	}
	if got := value(t, connect(t, databaseURL), "SELECT count(*)::text FROM t"); got != "2" {
		t.Errorf("after two failovers the table has %s rows, want 2", got)
	}
}
