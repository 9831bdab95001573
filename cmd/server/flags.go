package main

import (
	"errors"
	"log/slog"
	"time"

	"github.com/alecthomas/kong"

	"dummymessenger/internal/program/usage"
)

type flags struct {
	Listen         string        `default:"127.0.0.1:8001" placeholder:"HOST:PORT" help:"${help_listen} (default: ${default})."`
	Database       string        `default:"${database}" env:"DATABASE_URL" placeholder:"URL" help:"${help_database} (default: ${default})."`
	TokenFile      string        `type:"path" placeholder:"FILE" help:"${help_token_file}"`
	TLSCert        string        `name:"tls-cert" type:"path" placeholder:"FILE" help:"${help_tls_cert}"`
	TLSKey         string        `name:"tls-key" type:"path" placeholder:"FILE" help:"${help_tls_key}"`
	MaxConnections int           `default:"8192" placeholder:"N" help:"${help_max_connections} (default: ${default})."`
	RequestTimeout time.Duration `default:"5s" placeholder:"TIME" help:"${help_request_timeout} (default: ${default})."`
	DrainDelay     time.Duration `default:"0s" placeholder:"TIME" help:"${help_drain_delay} (default: ${default})."`
	MaxBatch       int           `default:"1000" placeholder:"N" help:"${help_max_batch} (default: ${default})."`
	MaxQueue       int           `default:"4096" placeholder:"N" help:"${help_max_queue} (default: ${default})."`
	MaxWatchers    int           `default:"1000" placeholder:"N" help:"${help_max_watchers} (default: ${default})."`
	DebugListen    string        `placeholder:"HOST:PORT" help:"${help_debug_listen}"`
	LogFormat      string        `default:"text" enum:"text,json" placeholder:"FORM" help:"${help_log_format} (default: ${default})."`
	LogLevel       slog.Level    `default:"info" placeholder:"LEVEL" help:"${help_log_level} (default: ${default})."`

	Healthcheck *string          `placeholder:"URL" help:"${help_healthcheck}"`
	Version     kong.VersionFlag `help:"Print the version and exit."`

	farewells int // server.Config.MaxFarewells; set by serve
}

// Validate is called by kong.
func (f *flags) Validate() error {
	listen := usage.CheckAddress("--listen", f.Listen)
	var health error
	if f.Healthcheck != nil {
		_, health = healthURL(*f.Healthcheck)
	}
	switch {
	case f.Database == "":
		return errors.New("--database is empty; name one, as in sqlite:messages.db, or leave the flag out")
	case f.Listen == "":
		return errors.New("--listen is empty; name an address, as in 127.0.0.1:8001")
	case listen != nil:
		return listen
	case f.Healthcheck != nil && *f.Healthcheck == "":
		return errors.New("--healthcheck is empty; name a URL, as in http://127.0.0.1:8001/readyz")
	case health != nil:
		return health
	case (f.TLSCert == "") != (f.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case f.MaxConnections < 1:
		return errors.New("--max-connections must be at least 1")
	case f.RequestTimeout <= 0:
		return errors.New("--request-timeout must be more than 0")
	case f.DrainDelay < 0:
		return errors.New("--drain-delay must not be negative")
	case f.MaxBatch < 1:
		return errors.New("--max-batch must be at least 1")
	case f.MaxQueue < 1:
		return errors.New("--max-queue must be at least 1")
	case f.MaxWatchers < 1:
		return errors.New("--max-watchers must be at least 1")
	case f.DebugListen != "" && !isLoopback(f.DebugListen):
		return errors.New("--debug-listen must be a loopback address, such as 127.0.0.1:6060: profiles are not for strangers")
	}
	return nil
}

// help is what --help says of each flag: too long for its tag.
var help = kong.Vars{
	"help_listen": "Address to listen on; port 0 takes a free one",
	"help_database": "sqlite:PATH or postgres://…; libpq's PG* variables fill in " +
		"what a PostgreSQL URL leaves out",
	"help_token_file": "Let only those send and see messages who have one of these bearer " +
		"tokens, one a line. Read again when it changes.",
	"help_tls_cert":        "Serve HTTPS with this certificate and its chain (PEM). Read again when it changes.",
	"help_tls_key":         "The certificate's private key (PEM).",
	"help_max_connections": "Most connections at once; one more is refused with 503",
	"help_request_timeout": "How long a message may wait to be stored",
	"help_drain_delay":     "How long to serve on when told to stop, with /readyz failing already",
	"help_max_batch":       "Most messages in one transaction",
	"help_max_queue":       "Most messages that wait to be stored; one more is refused with 503",
	"help_max_watchers": "Most callers who watch the log at once, each with a " +
		"connection; one more is refused with 503",
	"help_debug_listen": "Loopback address at which to serve profiles for go tool " +
		"pprof (/debug/pprof/); none by default.",
	"help_log_format": "Form of the log on stderr: text or json",
	"help_log_level":  "Least level that is logged: debug, info, warn or error",
	"help_healthcheck": "Ask a running server instead of being one: end with 0 if it answers a GET of this URL, " +
		"http://127.0.0.1:8001/readyz or …/livez, with 200, else with 1. HOST:PORT means its /readyz. For containers.",
}
