package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	neturl "net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// parse returns what url, and what it leaves out of libpq's environment
// variables and files, say of a connection, with every setting pinned that is
// in pins.
func parse(url string) (*pgx.ConnConfig, error) {
	config, err := read(url)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	// pgx's own goes by the severity in the language of lc_messages.
	config.OnPgError = func(_ *pgconn.PgConn, e *pgconn.PgError) bool { return e.SeverityUnlocalized == "ERROR" }
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3,
	}}
	config.DialFunc = dialer.DialContext
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement // whatever the URL says
	set(config, pins)
	if config.RuntimeParams["application_name"] == "" {
		set(config, map[string]string{"application_name": "dummymessenger"})
	}
	guard(config, nil)
	return config, nil
}

// read is pgx.ParseConfig, which reads more than a connection uses, and may say
// no more than that something is wrong.
func read(url string) (*pgx.ConnConfig, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errMalformed
	}
	if strings.ContainsFunc(url, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return nil, errors.New("the database URL has a space, a line end or a control character in it or at its end; take it out, or write a space that belongs to a name as %20")
	}
	url = withoutUnused(url)
	if err := checkFiles(url); err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(url)
	if err == nil {
		return config, nil
	}
	if names := blame(url, err); names != "" {
		return nil, fmt.Errorf("what %s in the environment says, and the database URL does not, is not usable: %v", names, withoutURL(err))
	}
	return nil, unusable(url, err)
}

// set overrules what config says of params. PostgreSQL's names are
// case-insensitive, and of two that differ in case either might win.
func set(config *pgx.ConnConfig, params map[string]string) {
	for name, value := range params {
		for other := range config.RuntimeParams {
			if strings.EqualFold(name, other) {
				delete(config.RuntimeParams, other)
			}
		}
		config.RuntimeParams[name] = value
	}
}

// overruled names the parameters of url, or of the environment, that the
// session has otherwise.
func overruled(url string) (names []string) {
	config, err := read(url)
	if err != nil {
		return nil
	}
	for name, value := range config.RuntimeParams {
		for pin, pinned := range pins {
			if strings.EqualFold(name, pin) && !strings.EqualFold(value, pinned) {
				names = append(names, pin)
			}
		}
	}
	slices.Sort(names)
	return names
}

// parameter returns what url says of a parameter, else what the environment
// says; fromURL tells which.
func parameter(url, key, env string) (value string, fromURL bool) {
	if values := query(url); values.Has(key) {
		return values.Get(key), true
	}
	return os.Getenv(env), false
}

// query holds the parameters behind the ? of url.
func query(url string) neturl.Values {
	_, q, _ := strings.Cut(behindUser(url), "?")
	values, _ := neturl.ParseQuery(strings.ReplaceAll(q, "+", "%2B")) // to libpq a + is a +
	return values
}

// behindUser is what follows USER:PASSWORD@, in which pgx lets a ? pass.
func behindUser(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		return rest[i+1:]
	}
	return rest
}

// with adds a parameter to url.
func with(url, key, value string) string {
	separator := "&"
	if _, q, ok := strings.Cut(behindUser(url), "?"); !ok {
		separator = "?"
	} else if q == "" {
		separator = ""
	}
	return url + separator + key + "=" + neturl.QueryEscape(value)
}

// withoutUnused keeps pgx from reading certificates of the environment, or of
// the home folder, that the connection does not use, where it would fail if one
// is missing.
func withoutUnused(url string) string {
	service, _ := parameter(url, "service", "PGSERVICE")
	negotiation, _ := parameter(url, "sslnegotiation", "PGSSLNEGOTIATION")
	if service != "" || negotiation == "direct" || query(url).Has("ssl") {
		return url // the mode may be another one than it seems
	}
	mode, _ := parameter(url, "sslmode", "PGSSLMODE")
	if mode != "" && mode != "disable" && mode != "allow" && mode != "prefer" {
		return url
	}
	if root, fromURL := parameter(url, "sslrootcert", "PGSSLROOTCERT"); !fromURL && root != "system" {
		url = with(url, "sslrootcert", "") // nothing is verified
	}
	if mode == "disable" {
		for _, key := range []string{"sslcert", "sslkey"} {
			if !query(url).Has(key) {
				url = with(url, key, "")
			}
		}
	}
	return url
}

// checkFiles refuses a file that can be read only once, as a pipe: all of them
// are read again for each connection, since what they say may have changed.
func checkFiles(url string) error {
	home, _ := os.UserHomeDir()
	for _, f := range []struct{ key, env, standard string }{
		{"passfile", "PGPASSFILE", filepath.Join(home, ".pgpass")},
		{"servicefile", "PGSERVICEFILE", filepath.Join(home, ".pg_service.conf")},
		{"sslcert", "PGSSLCERT", filepath.Join(home, ".postgresql", "postgresql.crt")},
		{"sslkey", "PGSSLKEY", filepath.Join(home, ".postgresql", "postgresql.key")},
		{"sslrootcert", "PGSSLROOTCERT", filepath.Join(home, ".postgresql", "root.crt")},
	} {
		path, fromURL := parameter(url, f.key, f.env)
		if path == "" && !fromURL {
			path = f.standard
		}
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() && path != os.DevNull && used(url, f.key) {
			return fmt.Errorf("%s is %s, a pipe or a device, which can be read only once; it is read again for each connection to the database, so use a file", f.key, path)
		}
	}
	return nil
}

// used reports whether pgx reads the file that the parameter key names.
func used(url, key string) bool {
	switch key {
	case "passfile":
		password, _ := parameter(url, "password", "PGPASSWORD")
		_, user, _ := strings.Cut(strings.TrimSuffix(url, behindUser(url)), "://")
		_, inUser, _ := strings.Cut(strings.TrimSuffix(user, "@"), ":")
		return password == "" && inUser == ""
	case "servicefile":
		service, _ := parameter(url, "service", "PGSERVICE")
		return service != ""
	}
	return true
}

// blame names the environment variables without which err would be gone, or
// another one.
func blame(url string, err error) string {
	for _, suspects := range []struct{ env, key, harmless string }{
		{"PGPORT", "port", "5432"},
		{"PGCONNECT_TIMEOUT", "connect_timeout", "5"},
		{"PGTARGETSESSIONATTRS", "target_session_attrs", "any"},
		{"PGSSLMODE", "sslmode", "prefer"},
		{"PGSSLROOTCERT", "sslrootcert", ""},
		{"PGSSLCERT PGSSLKEY PGSSLPASSWORD", "sslcert sslkey", ""},
		{"PGSSLCERTMODE", "sslcertmode", "allow"},
		{"PGMINPROTOCOLVERSION", "min_protocol_version", ""},
		{"PGMAXPROTOCOLVERSION", "max_protocol_version", ""},
		{"PGCHANNELBINDING", "channel_binding", ""},
		{"PGREQUIREAUTH", "require_auth", ""},
	} {
		var there []string
		for name := range strings.FieldsSeq(suspects.env) {
			if _, ok := os.LookupEnv(name); ok {
				there = append(there, name)
			}
		}
		without := url
		for key := range strings.FieldsSeq(suspects.key) {
			without = with(without, key, suspects.harmless)
		}
		if len(there) == 0 || query(url).Has(strings.Fields(suspects.key)[0]) {
			continue
		}
		if _, other := pgx.ParseConfig(without); other == nil || withoutURL(other) != withoutURL(err) {
			return strings.Join(there, " or ")
		}
	}
	if os.Getenv("PGSERVICE") != "" && !query(url).Has("service") && strings.Contains(withoutURL(err), "service") {
		return "PGSERVICE"
	}
	return ""
}

// withoutURL is what pgx says beside the connection string, which it quotes.
func withoutURL(err error) string {
	_, said, _ := strings.Cut(err.Error(), "`: ")
	return said
}

var errMalformed = errors.New("the database URL is malformed; write postgres://USER:PASSWORD@HOST:PORT/DATABASE, and percent-encode what is special in the password")

// unusable says what err, pgx's, says of url, unless that might show the
// password: pgx leaves it out only where it can tell which part of url it is.
func unusable(url string, err error) error {
	u, parseErr := neturl.Parse(url)
	if at := strings.Count(url, "@"); parseErr == nil && (at == 0 || at == 1 && u.User != nil) {
		if password, _ := u.User.Password(); password == "" || !strings.Contains(err.Error(), password) {
			return fmt.Errorf("the database URL is not usable: %v", err)
		}
	}
	return errMalformed
}

// hosts names where config leads, for people.
func hosts(config *pgx.ConnConfig) string {
	var names []string
	for _, h := range append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port}}, config.Fallbacks...) {
		if _, address := pgconn.NetworkAddress(h.Host, h.Port); !slices.Contains(names, address) {
			names = append(names, address)
		}
	}
	return strings.Join(names, ", ")
}

// writerConfig adds what only the writer's session needs.
func writerConfig(config *pgx.ConnConfig) *pgx.ConnConfig {
	config = config.Copy()
	set(config, writerPins)
	return config
}

// newPool makes the readers' connections as config says, each with the
// credentials that renew finds.
func newPool(ctx context.Context, url string, config *pgx.ConnConfig, renew func(*pgx.ConnConfig)) (*pgxpool.Pool, error) {
	pc, err := pgxpool.ParseConfig(withoutUnused(url)) // no other one: it would read what url overrules
	if err != nil {
		return nil, err
	}
	pc.ConnConfig = config.Copy()
	pc.MaxConns = readers
	pc.MinConns, pc.MinIdleConns = 0, 0
	pc.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		renew(c)
		return nil
	}
	return pgxpool.NewWithConfig(ctx, pc)
}

// renew reads anew what the URL does not hold itself, since a password file, a
// service file or a certificate may have changed since config was made. What
// cannot be read stays as it is: it may be about to be replaced.
func (s *Store) renew(config *pgx.ConnConfig) {
	fresh, err := parse(s.url)
	if err != nil {
		s.logger.Warn("what the connection to the database needs cannot be read again; the last that could is used", "err", err)
		return
	}
	config.User, config.Password, config.Database = fresh.User, fresh.Password, fresh.Database
	config.Host, config.Port, config.TLSConfig, config.Fallbacks = fresh.Host, fresh.Port, fresh.TLSConfig, fresh.Fallbacks
}

func milliseconds(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// connectError says why a connection could not be had, for whoever starts a server.
func connectError(err error) error {
	if errors.Is(err, errReadOnly) {
		return fmt.Errorf("no host of the database URL accepts writes: %w", err)
	}
	if _, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("the database refuses the connection; is the URL right? %w", err)
	}
	return fmt.Errorf("the database cannot be reached; is it running, and is the URL right? %w", err)
}
