package postgres

import (
	"errors"
	"fmt"
	neturl "net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"
)

// A malformed error says what is wrong with how a URL, or a variable of the environment,
// is written.
type malformed struct{ error }

// CheckURL returns an error if url is malformed, or what the environment adds to it.
// It connects to nothing, and a file that cannot be used is for [Open] to report.
func CheckURL(url string) error {
	_, err := read(url)
	if _, ok := errors.AsType[malformed](err); ok {
		return err
	}
	return nil
}

// read is pgx.ParseConfig, except that it reads no files that the connection does
// not use, and says which variable of the environment is to blame for an error.
func read(url string) (*pgx.ConnConfig, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errMalformed
	}
	if strings.ContainsFunc(url, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return nil, malformed{errors.New("the database URL has a space, a line end or a control character in it or at its end; " +
			"take it out, or write a space that belongs to a name as %20")}
	}
	given := url
	url = withoutUnused(given)
	if err := checkFiles(url); err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(url)
	if err == nil {
		return config, nil
	}
	if names := blame(url, err); names != "" {
		blamed := fmt.Errorf("what %s in the environment says, and the database URL does not, is not usable: %v", names, withoutURL(err))
		return nil, malformedUnlessFile(blamed, err)
	}
	return nil, malformedUnlessFile(unusable(given, err), err)
}

// parameter returns a parameter as url sets it, else as the environment does;
// fromURL reports which.
func parameter(url, key, env string) (value string, fromURL bool) {
	if values := query(url); values.Has(key) {
		return values.Get(key), true
	}
	return os.Getenv(env), false
}

// query returns the parameters behind the ? of url.
func query(url string) neturl.Values {
	_, q, _ := strings.Cut(behindUser(url), "?")
	values, _ := neturl.ParseQuery(strings.ReplaceAll(q, "+", "%2B")) // to libpq a + is no space
	return values
}

// behindUser returns what follows USER:PASSWORD@, in which pgx accepts a ?.
func behindUser(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		return rest[i+1:]
	}
	return rest
}

// with returns url with a parameter added.
func with(url, key, value string) string {
	separator := "&"
	if _, q, ok := strings.Cut(behindUser(url), "?"); !ok {
		separator = "?"
	} else if q == "" {
		separator = ""
	}
	return url + separator + key + "=" + neturl.QueryEscape(value)
}

// withoutUnused returns url such that pgx does not read certificates that the
// environment or the home folder has and the connection does not use. It would fail
// if one of them is missing.
func withoutUnused(url string) string {
	service, _ := parameter(url, "service", "PGSERVICE")
	negotiation, _ := parameter(url, "sslnegotiation", "PGSSLNEGOTIATION")
	if service != "" || negotiation == "direct" || query(url).Has("ssl") {
		return url // the mode may be set elsewhere
	}
	mode, _ := parameter(url, "sslmode", "PGSSLMODE")
	if mode != "" && mode != "disable" && mode != "allow" && mode != "prefer" {
		return url
	}
	if root, fromURL := parameter(url, "sslrootcert", "PGSSLROOTCERT"); !fromURL && root != "system" {
		url = with(url, "sslrootcert", "") // these modes verify nothing
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

// checkFiles refuses files that can be read only once, such as pipes: all of them
// are read again for each connection, since they may have changed.
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
		info, err := os.Stat(path)
		if err == nil && !info.Mode().IsRegular() && !info.IsDir() && path != os.DevNull && used(url, f.key) {
			return fmt.Errorf("%s is %s, a pipe or a device, which can be read only once; "+
				"it is read again for each connection to the database, so use a file", f.key, path)
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

// blame returns the names of the environment variables that cause err: without them
// there would be no error, or another one.
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

// withoutURL returns pgx's message without the connection string that it quotes.
func withoutURL(err error) string {
	_, said, _ := strings.Cut(err.Error(), "`: ")
	return said
}

// malformedUnlessFile returns explained, which is about cause, pgx's error: as malformed
// unless cause is about a file, which may be in order the next time.
func malformedUnlessFile(explained, cause error) error {
	said := withoutURL(cause)
	tls, ofTLS := strings.CutPrefix(said, "failed to configure TLS (")
	written := strings.HasPrefix(tls, "sslmode is invalid") || strings.HasPrefix(tls, `both "sslcert" and "sslkey"`)
	if ofTLS && !written || strings.HasPrefix(said, "failed to read service") {
		return explained
	}
	return malformed{explained}
}

var errMalformed = malformed{errors.New("the database URL is malformed; write postgres://USER:PASSWORD@HOST:PORT/DATABASE, " +
	"and percent-encode what is special in the password")}

// unusable returns err, pgx's error about url with or without what withoutUnused adds,
// unless that might show the password: pgx leaves it out only where it can tell which
// part of url it is.
func unusable(url string, err error) error {
	hosts := behindUser(url)
	_, user, _ := strings.Cut(strings.TrimSuffix(url, hosts), "://")
	_, raw, _ := strings.Cut(strings.TrimSuffix(user, "@"), ":")
	password, encodingErr := neturl.PathUnescape(raw)
	_, parseErr := neturl.Parse("postgres://" + hosts) // the password may hold a # or a ?
	if parseErr == nil && encodingErr == nil && strings.Count(url, "@") == strings.Count(user, "@") {
		if password == "" || !strings.Contains(err.Error(), password) && !strings.Contains(err.Error(), raw) {
			quoted, said, _ := strings.Cut(strings.TrimPrefix(err.Error(), "cannot parse "), "`: ")
			quoted = strings.TrimSuffix(quoted, strings.TrimPrefix(withoutUnused(url), url))
			if port := wrongPort(url); said == "invalid port" && port != "" {
				said = fmt.Sprintf("its port is %q; a port is a number from 1 to 65535", port)
			}
			return fmt.Errorf("the database URL %s` is not usable: %s", quoted, said)
		}
	}
	return errMalformed
}

// wrongPort returns the first port in url that is none, or "".
func wrongPort(url string) string {
	hosts := behindUser(url)
	if i := strings.IndexAny(hosts, "/?"); i >= 0 {
		hosts = hosts[:i]
	}
	var ports []string
	for host := range strings.SplitSeq(hosts, ",") {
		_, port, _ := strings.Cut(host[strings.LastIndex(host, "]")+1:], ":") // of [::1]:5432, too
		ports = append(ports, port)
	}
	ports = append(ports, strings.Split(query(url).Get("port"), ",")...)
	for _, port := range ports {
		if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
			return port
		}
	}
	return ""
}
