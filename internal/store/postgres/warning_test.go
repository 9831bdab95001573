package postgres

import (
	"fmt"
	neturl "net/url"
	"sync"
	"testing"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/messenger"
)

// A commit whose wait for the synchronous standby is cancelled succeeds with a warning.
// The session gets that warning, whatever client_min_messages is set to elsewhere.
func TestWarningAtCommitIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	cluster := labtest.Cluster(t, unflushed)
	url := cluster.URL("postgres")
	execute(t, url, `CREATE ROLE hushed LOGIN SUPERUSER PASSWORD 'x'; ALTER ROLE hushed SET client_min_messages = error`)
	for i, variant := range []func(*neturl.URL){
		func(*neturl.URL) {},
		func(u *neturl.URL) { u.User = neturl.UserPassword("hushed", "x") },
		func(u *neturl.URL) { u.RawQuery += "&client_min_messages=error" },
		func(u *neturl.URL) { u.RawQuery += "&Client_Min_Messages=error&options=-cclient_min_messages%3Derror" },
	} {
		u, err := neturl.Parse(url)
		if err != nil {
			t.Fatal(err)
		}
		variant(u)
		s, text := open(t, u.String()), fmt.Sprint("x ", i)
		if err := cluster.Set(t.Context(), "synchronous_standby_names", "nobody"); err != nil {
			t.Fatal(err)
		}
		var appending sync.WaitGroup
		appending.Go(func() {
			if m, err := appendText(t.Context(), s, text); messenger.KindOf(err) != messenger.Unknown {
				t.Errorf("%v: Append = %+v, %v, want outcome unknown", u.RawQuery, m, err)
			}
		})
		cancelWait(t, url)
		appending.Wait()
		if err := cluster.Set(t.Context(), "synchronous_standby_names", ""); err != nil {
			t.Fatal(err)
		}
		if r := again(t, s, text); !r.Existed || r.Seq != int64(i+1) {
			t.Errorf("Append again = %+v, want message %d, found", r, i+1)
		}
	}
}

// Other warnings, such as the plans of auto_explain, do not concern the commit. The one
// about a cancelled wait is noticed among them.
func TestOtherWarningsAreNotOfTheCommit(t *testing.T) {
	t.Parallel()
	cluster := labtest.Cluster(t, unflushed)
	url := cluster.URL("postgres")
	execute(t, url, `ALTER ROLE postgres SET session_preload_libraries = auto_explain;
		ALTER ROLE postgres SET auto_explain.log_min_duration = 0;
		ALTER ROLE postgres SET auto_explain.log_level = warning`)
	s := open(t, url)
	if m, err := appendText(t.Context(), s, "x"); err != nil || m.Seq != 1 {
		t.Errorf("Append = %+v, %v", m, err)
	}
	if r := again(t, s, "x"); !r.Existed {
		t.Errorf("Append again = %+v, want that it existed", r)
	}
	if err := cluster.Set(t.Context(), "synchronous_standby_names", "nobody"); err != nil {
		t.Fatal(err)
	}
	var appending sync.WaitGroup
	appending.Go(func() {
		var err error
		for i := 0; err == nil && t.Context().Err() == nil; i++ { // until the server has seen the setting
			_, err = appendText(t.Context(), s, fmt.Sprint("y ", i))
		}
		if messenger.KindOf(err) != messenger.Unknown {
			t.Errorf("Append: %v, want outcome unknown", err)
		}
	})
	cancelWait(t, url)
	appending.Wait()
}

// cancelWait cancels the first wait for a standby that there is.
func cancelWait(t *testing.T, url string) {
	t.Helper()
	execute(t, url, `DO $$ BEGIN
		FOR i IN 1..6000 LOOP
			PERFORM pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep';
			EXIT WHEN FOUND;
			PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
		END LOOP;
	END $$`)
}
