package postgres

import (
	"context"
	"fmt"
	"log/slog"
	neturl "net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/netfault"
)

// rewriting is url through a proxy that puts another statement in place of one, as if
// the database understood it so.
func rewriting(t *testing.T, url, from, to string) string {
	t.Helper()
	u, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	p, err := netfault.Listen(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	p.Replace(netfault.FromClient, from, fmt.Sprintf("%-*s", len(from), to))
	u.Host = p.Addr()
	return u.String()
}

// A database that lacks what orders the log is refused when the log is opened.
func TestDatabaseThatCannotOrderIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ from, to, want string }{
		"no lock on tables":      {"LOCK TABLE ONLY \"public\".\"messages\" IN ROW EXCLUSIVE MODE", "SELECT 1 GROUP BY 1 FOR UPDATE --", "LOCK TABLE"},
		"no such statement":      {"LOCK TABLE ONLY \"public\".\"messages\" IN ROW EXCLUSIVE MODE", "BOLT THE TABLE --", "LOCK TABLE"},
		"a lock for everybody":   {"FOR UPDATE OF l NOWAIT", "", "two transactions at once"},
		"a weaker lock":          {"FOR UPDATE OF l", "FOR SHARE OF l", "two transactions at once"},
		"another isolation":      {"BEGIN ISOLATION LEVEL READ COMMITTED", "BEGIN ISOLATION LEVEL SERIALIZABLE", `isolation "serializable"`},
		"settings are not known": {"pg_catalog.current_setting('server_encoding')", "pg_catalog.current_setting('encoding')", "settings cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), rewriting(t, labtest.Database(t), test.from, test.to), slog.New(slog.DiscardHandler))
			if err == nil {
				s.Close()
				t.Fatal("Open succeeded")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("Open: %v, want %q", err, test.want)
			}
		})
	}
}

// A role that lacks a grant can open the log. It is told what it lacks, and goes on when
// it has it.
func TestOpenWithoutGrant(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	open(t, url).Close() // the administrator creates the tables
	role := createRole(t, url, `GRANT SELECT ON messages, log_lock TO %[1]s`)
	s := open(t, role.String())
	if err := s.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "may not INSERT") {
		t.Errorf("Ready: %v", err)
	}
	execute(t, url, fmt.Sprintf(`GRANT INSERT ON messages TO %[1]s; GRANT UPDATE ON log_lock TO %[1]s`, role.User.Username()))
	if _, err := appendText(t.Context(), s, "x"); err != nil {
		t.Errorf("Append, the grant given: %v", err)
	}
}

// A log whose lock somebody holds can be opened.
func TestOpenWhileTheLockIsHeld(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	open(t, url)
	holder, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close(context.WithoutCancel(t.Context()))
	if _, err := holder.Exec(t.Context(), `BEGIN; SELECT FROM log_lock FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	open(t, url)
}
