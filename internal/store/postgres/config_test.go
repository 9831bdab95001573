package postgres

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/lab/labtest"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A password that is changed in the database and in its file needs no restart,
// neither for the writer nor for the readers.
func TestRotatedPassword(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	u := createRole(t, url, `GRANT ALL ON SCHEMA public TO %[1]s`)
	role := u.User.Username()
	u.User = neturl.User(role)
	passfile := filepath.Join(t.TempDir(), "pgpass")
	write(t, passfile, "*:*:*:*:x\n")
	s := open(t, withParameter(t, u.String(), "passfile", passfile))
	fill(t, s, 1)
	if _, err := s.Read(t.Context(), 0, 1); err != nil {
		t.Fatal(err)
	}

	execute(t, url, fmt.Sprintf(`ALTER ROLE %s PASSWORD 'second'`, role))
	write(t, passfile, "*:*:*:*:second\n")
	execute(t, url, fmt.Sprintf(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '%s'`, role))
	if _, err := s.Read(t.Context(), 0, 1); err != nil {
		t.Errorf("Read: %v", err)
	}
	_, _ = appendText(t.Context(), s, "finds the session dead")
	if m, err := appendText(t.Context(), s, "x"); err != nil || m.Seq != 2 {
		t.Errorf("Append = %+v, %v", m, err)
	}
}

// A replica that has read the password file once can reconnect while that file is
// missing, as it briefly is when it is replaced.
func TestMissingPasswordFile(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	u := createRole(t, url, `GRANT ALL ON SCHEMA public TO %[1]s`)
	role := u.User.Username()
	u.User = neturl.User(role)
	passfile := filepath.Join(t.TempDir(), "pgpass")
	write(t, passfile, "*:*:*:*:x\n")
	s, notes := openNoted(t, withParameter(t, u.String(), "passfile", passfile))
	fill(t, s, 1)
	reconnect := func() {
		t.Helper()
		execute(t, url, fmt.Sprintf(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '%s'`, role))
		_, _ = appendText(t.Context(), s, "finds the session dead")
		if _, err := s.Read(t.Context(), 0, 1); err != nil {
			t.Errorf("Read: %v", err)
		}
		if _, err := appendText(t.Context(), s, fmt.Sprint("at ", time.Now())); err != nil {
			t.Errorf("Append: %v", err)
		}
	}
	for _, password := range []string{"x", "second"} {
		execute(t, url, fmt.Sprintf(`ALTER ROLE %s PASSWORD '%s'`, role, password))
		write(t, passfile, "*:*:*:*:"+password+"\n")
		reconnect()
		if err := os.Remove(passfile); err != nil {
			t.Fatal(err)
		}
		reconnect()
	}
	if !strings.Contains(notes.String(), "the password file is gone") {
		t.Errorf("it was not logged:\n%s", notes)
	}
}

// writePair writes a new certificate and its key to two files.
func writePair(t *testing.T, name, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

func TestRotatedCertificateAndService(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, services := filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "services")
	writePair(t, "first", cert, key)
	write(t, services, "[log]\nhost=first.example\nuser=anna\npassword=old\n")
	url := "postgres:///x?sslmode=require&service=log&servicefile=" + services + "&sslcert=" + cert + "&sslkey=" + key
	config, err := parse(url)
	if err != nil {
		t.Fatal(err)
	}
	notes := &notebook{}
	s := &Store{url: url, logger: notes.logger()}
	shown := func() string {
		leaf, err := x509.ParseCertificate(config.TLSConfig.Certificates[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join([]string{leaf.Subject.CommonName, config.Host, config.User, config.Password}, " ")
	}
	if got, want := shown(), "first first.example anna old"; got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	write(t, services, "[log]\nhost=second.example\nuser=boris\npassword=new\n")
	writePair(t, "second", cert, filepath.Join(dir, "key of second"))
	s.renew(config) // certificate and key do not belong together yet
	if got, want := shown(), "first first.example anna old"; got != want || !strings.Contains(notes.String(), "cannot be read again") {
		t.Errorf("half way: %s, want %s, and a warning:\n%s", got, want, notes)
	}
	writePair(t, "second", cert, key)
	s.renew(config)
	if got, want := shown(), "second second.example boris new"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The environment counts where the URL leaves something out, and only there.
func TestEnvironment(t *testing.T) {
	url := labtest.Schema(t)
	plain := strings.Replace(url, "sslmode=disable", "sslmode=prefer", 1)
	missing := filepath.Join(t.TempDir(), "missing")
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".postgresql"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ".postgresql", "root.crt"), "none")
	for _, tt := range []struct{ name, value string }{
		{"PGPORT", "x"}, {"PGHOST", "nowhere.invalid"}, {"PGUSER", "nobody"}, {"PGPASSWORD", "wrong"}, {"PGDATABASE", "nothing"},
		{"PGSSLROOTCERT", missing}, {"PGTZ", "Mars"}, {"PGPASSFILE", missing}, {"PGSERVICEFILE", missing}, {"HOME", dir},
	} {
		t.Run(tt.name+" is not used", func(t *testing.T) {
			t.Setenv(tt.name, tt.value)
			if _, err := appendText(t.Context(), open(t, url), tt.name); err != nil {
				t.Error(err)
			}
			if _, err := open(t, plain).Read(t.Context(), 0, 1); err != nil {
				t.Error(err)
			}
		})
	}
	for _, tt := range []struct{ name, value, url, want string }{
		{"PGPORT", "x", "postgres://anna@h/x", "PGPORT"},
		{"PGCONNECT_TIMEOUT", "soon", "postgres://anna@h/x", "PGCONNECT_TIMEOUT"},
		{"PGSSLMODE", "perhaps", "postgres://anna@h/x", "PGSSLMODE"},
		{"PGSSLROOTCERT", missing, "postgres://anna@h/x?sslmode=verify-full", "PGSSLROOTCERT"},
		{"PGSSLROOTCERT", missing, "postgres://anna@h/x?sslmode=require", "PGSSLROOTCERT"},
		{"PGSSLCERT", missing, "postgres://anna@h/x", "PGSSLCERT"},
		{"PGSERVICE", "none", "postgres://anna@h/x", "PGSERVICE"},
		{"PGTARGETSESSIONATTRS", "best", "postgres://anna@h/x", "PGTARGETSESSIONATTRS"},
		{"PGCHANNELBINDING", "perhaps", "postgres://anna@h/x", "PGCHANNELBINDING"},
		{"PGPORT", "5433", "postgres://anna@h/x?connect_timeout=soon", "connect_timeout"},
	} {
		t.Run(tt.name+" is wrong", func(t *testing.T) {
			t.Setenv(tt.name, tt.value)
			_, err := parse(tt.url)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("parse(%s) with %s=%s: %v, want an error that names %s", tt.url, tt.name, tt.value, err, tt.want)
			}
		})
	}
}

func TestURLForms(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://anna@h/x ", " postgres://anna@h/x", "postgres://anna@h/x\n", "postgres://anna@h/x\r\n", "postgres://anna@h/x\t",
		"postgres://anna@h/x\u00a0", "postgres://anna@h /x", "postgres://anna@h/x?sslmode=disable ",
		"host=h user=anna", "postgres:/anna@h/x", "postgres:anna@h/x", "",
	} {
		if _, err := parse(url); err == nil || !strings.Contains(err.Error(), "write") {
			t.Errorf("parse(%q): %v, want an error that says what to write", url, err)
		}
	}
	for url, want := range map[string]string{
		"postgres://anna@h/x%20y":                       "h 5432 x y",
		"postgresql://anna:p%20w@h:7/x?sslmode=disable": "h 7 x",
		"postgres://anna:p?w@h:7/x?":                    "h 7 x",
		"postgres://anna@h:7?dbname=x":                  "h 7 x",
	} {
		config, err := parse(url)
		if err != nil {
			t.Errorf("parse(%q): %v", url, err)
		} else if got := fmt.Sprint(config.Host, " ", config.Port, " ", config.Database); got != want {
			t.Errorf("parse(%q) leads to %s, want %s", url, got, want)
		}
	}
}

// A URL that is not usable is quoted as it was given, and a wrong port is named.
func TestUnusableURLs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://anna:x-secret@h:99999/x":                       "`postgres://anna:xxxxx@h:99999/x` is not usable: its port is \"99999\"",
		"postgres://anna@h:0/x?sslmode=disable":                    `its port is "0"`,
		"postgres://anna:x-secret#%20?@h/x?port=0":                 `its port is "0"`,
		"postgres://anna:x-secret@h:1:x-secret@h/x":                "is malformed",
		"postgres://anna:x-secret%zz@h/x":                          "is malformed",
		"postgres://anna@h:70000,h2:1/x":                           `its port is "70000"`,
		"postgres://anna@h/x?port=abc":                             `its port is "abc"`,
		"postgres://anna@h/x?connect_timeout=soon":                 "`postgres://anna@h/x?connect_timeout=soon` is not usable: invalid connect_timeout",
		"postgres://anna@h/x?sslmode=perhaps":                      "sslmode is invalid",
		"postgres://anna:x-secret@h/x?nonsense":                    "`postgres://anna:xxxxx@h/x?nonsense` is not usable",
		"postgres://anna@h/x?sslmode=require&sslrootcert=/no/such": "open /no/such",
		"postgres://anna@h/x?service=none&servicefile=/no/such":    "failed to read service",
	} {
		_, err := parse(url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "x-secret") ||
			!strings.Contains(url, "sslrootcert") && strings.Contains(err.Error(), "sslrootcert") {
			t.Errorf("parse(%q): %v, want %q", url, err, want)
		}
		ofFile := strings.Contains(url, "/no/such")
		if err := CheckURL(url); (err == nil) != ofFile {
			t.Errorf("CheckURL(%q): %v, want an error: %v", url, err, !ofFile)
		}
	}
}

// A standby that is asked for by name would be of no use.
func TestTargetIsAlwaysReadWrite(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	for _, target := range []string{"any", "primary", "prefer-standby", "standby", "read-only"} {
		fill(t, open(t, withParameter(t, url, "target_session_attrs", target)), 1)
		execute(t, url, `TRUNCATE messages`)
	}
}

// Open gives up on a database that swallows packets when ctx ends, and logs before that
// what it waits for.
func TestOpenSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	locked := labtest.Schema(t)
	open(t, locked).Close()
	holder, err := pgx.Connect(t.Context(), locked)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { holder.Close(context.Background()) })
	if _, err := holder.Exec(t.Context(), `BEGIN; LOCK TABLE messages`); err != nil {
		t.Fatal(err)
	}
	empty := labtest.Database(t)
	creating, err := pgx.Connect(t.Context(), empty)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { creating.Close(context.Background()) })
	if _, err := creating.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, createLock); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"postgres://anna@" + silent.Addr().String() + "/x?sslmode=disable": "a connection to " + silent.Addr().String(),
		locked: "a lock on the tables",
		empty:  "create the tables",
	} {
		for _, patient := range []bool{false, true} {
			t.Run(fmt.Sprint(want, " ", patient), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				notes := &lineWaiter{want: want, seen: make(chan struct{})}
				var gaveUp time.Time
				if !patient {
					go func() {
						<-notes.seen
						gaveUp = time.Now()
						cancel()
					}()
				}
				s, err := Open(ctx, url, slog.New(slog.NewTextHandler(notes, nil)))
				if err == nil {
					s.Close()
					t.Fatal("Open succeeded")
				}
				select {
				case <-notes.seen:
				default:
					t.Error("nothing was said meanwhile")
				}
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Open: %v, want an error that says that it waited for %s", err, want)
				}
				if strings.Contains(err.Error(), ":;") {
					t.Errorf("Open: %v, with an empty cause", err)
				}
				if !patient && time.Since(gaveUp) > 2*time.Second {
					t.Errorf("Open went on for %v after its context ended", time.Since(gaveUp))
				}
			})
		}
	}
}

// A lineWaiter is a writer that closes seen when a line holds want.
type lineWaiter struct {
	want string
	seen chan struct{}
}

func (n *lineWaiter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "still waiting") && strings.Contains(string(p), n.want) {
		close(n.seen)
	}
	return len(p), nil
}

func TestWhyNoConnection(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	u, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	noRole, wrong, missing, limited, closed := *u, *u, *u, *u, *u
	noRole.User = neturl.UserPassword("nobody", "x")
	wrong.User = neturl.UserPassword(u.User.Username(), "x-secret")
	missing.Path = "/no such"
	execute(t, url, `CREATE ROLE limited LOGIN PASSWORD 'x-secret' CONNECTION LIMIT 0; CREATE ROLE closed PASSWORD 'x-secret'`)
	t.Cleanup(func() { execute(t, url, `DROP ROLE limited, closed`) })
	limited.User, closed.User = neturl.UserPassword("limited", "x-secret"), neturl.UserPassword("closed", "x-secret")
	for url, want := range map[string]string{
		noRole.String():                         `CREATE ROLE "nobody" LOGIN`,
		wrong.String():                          `ALTER ROLE "` + u.User.Username() + `" PASSWORD`,
		missing.String():                        `CREATE DATABASE "no such" OWNER`,
		limited.String():                        "limit of the role",
		closed.String():                         `CREATE ROLE "closed" LOGIN`,
		"postgres://anna@127.0.0.1:1/x":         "cannot be reached",
		"postgres://anna@127.0.0.1:1,[::1]:1/x": "cannot be reached",
		"postgres://anna@nowhere.invalid/x":     "lookup nowhere.invalid",
		withParameter(t, url, "transaction_read_only", "maybe"): "refuses the connection",
	} {
		_, err := Open(t.Context(), url, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open: %v, want %q", err, want)
			continue
		}
		for _, once := range []string{"refused", "refuses", "authentication failed", "does not exist", "SQLSTATE", "lookup", "resolving"} {
			if strings.Count(err.Error(), once) > 1+strings.Count(url, ",") {
				t.Errorf("Open says %q more than once: %v", once, err)
			}
		}
		if strings.Contains(err.Error(), "x-secret") {
			t.Errorf("Open shows the password: %v", err)
		}
	}
}
