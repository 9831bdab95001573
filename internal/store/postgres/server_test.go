package postgres

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	neturl "net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/lab/labtest"
)

// rewriting is url through a proxy that puts another statement, of the same length, in
// place of one, as if the database understood it so.
func rewriting(t *testing.T, url, from, to string) string {
	t.Helper()
	if len(to) > len(from) {
		t.Fatalf("%q is longer than %q", to, from)
	}
	to += strings.Repeat(" ", len(from)-len(to))
	u, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	behind := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	u.Host = l.Addr().String()
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", behind)
			if err != nil {
				client.Close()
				continue
			}
			go forward(client, server, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) })
			go forward(server, client, func(b []byte) []byte { return b })
		}
	}()
	return u.String()
}

// forward copies what comes in one piece, as each of our statements does.
func forward(from, to net.Conn, change func([]byte) []byte) {
	defer to.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if _, failed := to.Write(change(buffer[:n])); err != nil || failed != nil {
			return
		}
	}
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
