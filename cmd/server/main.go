// Command server is one replica of the messenger.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/joho/godotenv"

	"dummymessenger/internal/buildinfo"
)

type flags struct {
	Listen         string        `default:"127.0.0.1:8001" placeholder:"HOST:PORT" help:"Address to listen on; port 0 takes a free one (default: ${default})."`
	Database       string        `default:"sqlite:dummymessenger.db" env:"DATABASE_URL" placeholder:"URL" help:"sqlite:PATH or postgres://…; libpq's PG* variables fill in what a PostgreSQL URL leaves out (default: ${default})."`
	TokenFile      string        `type:"path" placeholder:"FILE" help:"Let only those send and see messages who have one of these bearer tokens, one a line. Read again when it changes."`
	TLSCert        string        `name:"tls-cert" type:"path" placeholder:"FILE" help:"Serve HTTPS with this certificate and its chain (PEM). Read again when it changes."`
	TLSKey         string        `name:"tls-key" type:"path" placeholder:"FILE" help:"The certificate's private key (PEM)."`
	MaxConnections int           `default:"8192" placeholder:"N" help:"Most connections at once; one more is refused with 503 (default: ${default})."`
	RequestTimeout time.Duration `default:"5s" placeholder:"TIME" help:"How long a message may wait to be stored (default: ${default})."`
	DrainDelay     time.Duration `default:"0s" placeholder:"TIME" help:"How long to serve on when told to stop, with /readyz failing already (default: ${default})."`
	MaxBatch       int           `default:"1000" placeholder:"N" help:"Most messages in one transaction (default: ${default})."`
	MaxQueue       int           `default:"4096" placeholder:"N" help:"Most messages that wait to be stored; one more is refused with 503 (default: ${default})."`
	MaxWatchers    int           `default:"1000" placeholder:"N" help:"Most callers who watch the log at once, each with a connection; one more is refused with 503 (default: ${default})."`
	DebugListen    string        `placeholder:"HOST:PORT" help:"Loopback address at which to serve profiles for go tool pprof (/debug/pprof/); none by default."`
	LogFormat      string        `default:"text" enum:"text,json" placeholder:"FORM" help:"Form of the log on stderr: text or json (default: ${default})."`
	LogLevel       slog.Level    `default:"info" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error (default: ${default})."`

	Healthcheck string           `placeholder:"URL" help:"Ask a running server instead of being one: end with 0 if it answers a GET of this URL, such as http://127.0.0.1:8001/readyz, with 200, else with 1. For containers."`
	Version     kong.VersionFlag `help:"Print the version and exit."`
}

// Validate is called by kong.
func (f *flags) Validate() error {
	switch {
	case f.Listen == "":
		return errors.New("--listen is empty; name an address, as in 127.0.0.1:8001")
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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit status: 0 after a signal if everybody was answered, 64
// for bad usage (EX_USAGE of sysexits.h), 1 for anything else.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var f flags
	left := false
	parser := kong.Must(&f,
		kong.Name("server"),
		kong.Description("One replica of the messenger: POST /messages stores a message and answers with the last ten. "+
			"Settings are also read from the file .env in the working directory."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { left = true }), // --help, --version
		kong.Vars{"version": "server " + buildinfo.Read().String()},
	)
	unread := loadDotEnv()
	if os.Getenv("DATABASE_URL") == "" {
		os.Unsetenv("DATABASE_URL") // empty is as good as not set
	}
	_, err := parser.Parse(args)
	if err == nil && f.Healthcheck == "" {
		err = unread // which would have said how to run
	}
	switch {
	case left:
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "server: %v\nserver --help lists the flags.\n", err)
		return 64
	}
	if f.Healthcheck != "" {
		if err := checkHealth(ctx, f.Healthcheck); err != nil {
			fmt.Fprintf(stderr, "server: %v\n", err)
			return 1
		}
		return 0
	}
	logger := newLogger(stderr, f)
	if f.Database != os.Getenv("DATABASE_URL") && hasPassword(f.Database) {
		logger.Warn("every user of this machine can see the password on the command line; put the URL into DATABASE_URL instead")
	}
	if err := serve(ctx, f, logger); err != nil {
		fmt.Fprintf(stderr, "server: %v\n", err)
		return 1
	}
	return 0
}

// hasPassword tells whether there is a password in a database's URL, before the
// host or among the parameters, as libpq takes it.
func hasPassword(database string) bool {
	u, err := url.Parse(database)
	if err != nil {
		return false // and cannot be opened
	}
	_, set := u.User.Password()
	return set || u.Query().Has("password") || u.Query().Has("sslpassword")
}

// loadDotEnv adds .env to the environment. What is set there already, and not
// empty, stays.
func loadDotEnv() error {
	content, err := os.ReadFile(".env")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the file .env cannot be read: %w", err)
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff")) // some Windows editors begin a file with it
	values, err := godotenv.UnmarshalBytes(content)
	if err != nil {
		// What godotenv says quotes the file, passwords and all.
		return errors.New("the file .env is malformed; each of its lines must be NAME=value, a comment or empty")
	}
	for name, value := range values {
		if os.Getenv(name) == "" {
			os.Setenv(name, value)
		}
	}
	return nil
}

func newLogger(w io.Writer, f flags) *slog.Logger {
	options := &slog.HandlerOptions{Level: f.LogLevel}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
