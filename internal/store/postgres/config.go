package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// statementCache is how many prepared statements a session keeps: more than we have.
const statementCache = 512

// parse returns the configuration of a connection to url, with libpq's environment
// variables and files as defaults and the settings in pins overruled.
func parse(url string) (*pgx.ConnConfig, error) {
	config, err := read(url)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	// pgx's own OnPgError compares the severity, which lc_messages translates.
	config.OnPgError = func(_ *pgconn.PgConn, e *pgconn.PgError) bool { return e.SeverityUnlocalized == "ERROR" }
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3,
	}}
	config.DialFunc = dialer.DialContext
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement // whatever the URL says
	config.StatementCacheCapacity = statementCache
	set(config, pins)
	set(config, laterPins)
	for name := range laterPins { // until the server is known to take them
		delete(config.RuntimeParams, name)
	}
	if config.RuntimeParams["application_name"] == "" {
		set(config, map[string]string{"application_name": "dummymessenger"})
	}
	guard(config, nil)
	return config, nil
}

// set makes params override those in config. Parameter names are case-insensitive, and
// of two that differ only in case either might win.
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

// overruled returns the parameters that url or the environment sets and a session
// of ours overrules.
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

// hosts returns the addresses that config leads to, for people.
func hosts(config *pgx.ConnConfig) string {
	var names []string
	for _, h := range append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port}}, config.Fallbacks...) {
		if _, address := pgconn.NetworkAddress(h.Host, h.Port); !slices.Contains(names, address) {
			names = append(names, address)
		}
	}
	return strings.Join(names, ", ")
}

// writerConfig returns config with what only the writer's session needs.
func writerConfig(config *pgx.ConnConfig) *pgx.ConnConfig {
	config = config.Copy()
	set(config, writerPins)
	for name, value := range laterWriterPins {
		if _, ok := config.RuntimeParams[name]; ok {
			config.RuntimeParams[name] = value
		}
	}
	return config
}

// newPool returns a pool for reading. Its connections are made as config says, each
// with the credentials that renew finds.
func newPool(ctx context.Context, url string, config *pgx.ConnConfig, renew func(*pgx.ConnConfig)) (*pgxpool.Pool, error) {
	pc, err := pgxpool.ParseConfig(withoutUnused(url)) // of "" it would read what url overrules
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

// renew reloads what the URL only refers to: a password file, a service file or a
// certificate may have changed since config was made. If one cannot be read, renew
// keeps the last version, for it may be about to be replaced.
func (s *Store) renew(config *pgx.ConnConfig) {
	last := s.fresh.Load()
	if last == nil {
		last = config
	}
	fresh, err := parse(s.url)
	if err == nil {
		err = checkComplete(last, fresh)
	}
	if err != nil {
		s.logger.Warn("what the connection to the database needs cannot be read again; the last that could is used", "err", err)
		fresh = last.Copy()
	} else {
		s.fresh.Store(fresh.Copy())
	}
	config.User, config.Password, config.Database = fresh.User, fresh.Password, fresh.Database
	config.Host, config.Port, config.TLSConfig, config.Fallbacks = fresh.Host, fresh.Port, fresh.TLSConfig, fresh.Fallbacks
}

// checkComplete returns an error if a file that last was made from is missing in fresh.
// pgx itself ignores missing files, except certificates that the URL names.
func checkComplete(last, fresh *pgx.ConnConfig) error {
	was, is := last.TLSConfig, fresh.TLSConfig
	switch {
	case last.Password != "" && fresh.Password == "":
		return errors.New("the password file is gone, or has no line for this database any more")
	case was != nil && is != nil && was.Certificates != nil && is.Certificates == nil:
		return errors.New("the client's certificate is gone")
	case was != nil && is != nil && was.RootCAs != nil && is.RootCAs == nil:
		return errors.New("the root certificate is gone")
	}
	return nil
}

func milliseconds(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// connectError says why there is no connection, and what mends it, for people who
// start a server.
func connectError(err error, config *pgx.ConnConfig) error {
	if errors.Is(err, errReadOnly) {
		return fmt.Errorf("no host of the database URL accepts writes: %w", err)
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("the database refuses the connection: %w; %s", pe, remedy(pe.Code, config))
	}
	// What a step adds, and a line of pgx's for each address of each host.
	said, lines := "", err.Error()
	if ce, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		said, lines = strings.TrimSuffix(lines, ce.Error()), ce.Unwrap().Error()
	}
	var causes []string
	for line := range strings.Lines(dialling.ReplaceAllString(lines, "")) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(causes, line) {
			causes = append(causes, line)
		}
	}
	return fmt.Errorf("the database cannot be reached; is it running, and is the URL right? %s%s", said, strings.Join(causes, "; "))
}

// dialling is what pgx and net say before the cause, beside the address.
var dialling = regexp.MustCompile(`hostname resolving error: |dial error: (dial (tcp|unix) \S+: (connect: )?)?`)

// remedy says what to do after an error of this SQLSTATE at a connection.
func remedy(code string, config *pgx.ConnConfig) string {
	role, database := pgx.Identifier{config.User}.Sanitize(), pgx.Identifier{config.Database}.Sanitize()
	switch code {
	case "28P01": // invalid_password; of an unknown role, too
		return fmt.Sprintf("correct the user and the password in the database URL, or, as an administrator of the database, "+
			"run: ALTER ROLE %[1]s PASSWORD '…' (if there is no such role: CREATE ROLE %[1]s LOGIN PASSWORD '…')", role)
	case "28000": // invalid_authorization_specification: no such role, no LOGIN, or no line in pg_hba.conf
		return fmt.Sprintf("correct the user in the database URL, or, as an administrator of the database, run: "+
			"CREATE ROLE %s LOGIN PASSWORD '…', or let pg_hba.conf admit it", role)
	case "3D000": // invalid_catalog_name
		return fmt.Sprintf("correct its name in the database URL, or create it: CREATE DATABASE %s OWNER %s ENCODING 'UTF8' TEMPLATE template0", database, role)
	case "42501": // insufficient_privilege
		return fmt.Sprintf("as an administrator of the database run: GRANT CONNECT ON DATABASE %s TO %s", database, role)
	case "53300": // too_many_connections
		return "close other connections, or raise max_connections, or the limit of the role or the database; a replica takes up to 5"
	}
	return "is the URL right?"
}
