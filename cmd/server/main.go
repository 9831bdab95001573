// Command server is one replica of the messenger.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"dummymessenger/internal/program"
	"dummymessenger/internal/program/usage"
	"dummymessenger/internal/store"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // a small heap, collected half as often: a tenth less processor time
	}
	ctx, stop := program.Context()
	context.AfterFunc(ctx, stop) // a second signal kills
	if os.Getenv(stopWithStdin) != "" {
		ctx = untilEnd(ctx, os.Stdin)
	}
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// stopWithStdin is set by who has no other way to stop a server in order: on Windows
// without a console there are no signals. Otherwise stdin means nothing to a server, as a
// service's is /dev/null.
const stopWithStdin = "DUMMYMESSENGER_STOP_WITH_STDIN"

// untilEnd returns a context that ends with ctx or with r.
func untilEnd(ctx context.Context, r io.Reader) context.Context {
	ctx, end := context.WithCancel(ctx)
	go func() {
		io.Copy(io.Discard, r) // for the life of the program
		end()
	}()
	return ctx
}

// run returns the exit status: 0 after a signal if every request was answered, 64
// for bad usage (EX_USAGE of sysexits.h), 73 if --help or --version cannot be written
// (EX_CANTCREAT), 1 for anything else.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var f flags
	var printed bytes.Buffer // by --help or --version
	left := false
	parser := kong.Must(&f,
		kong.Name("server"),
		kong.Description("One replica of the messenger: POST /messages stores a message and answers with the last ten. "+
			"DATABASE_URL and PG* are also read from the file .env in the working directory."),
		kong.Writers(&printed, stderr),
		kong.Exit(func(int) { left = true }), // --help, --version
		help,
		kong.Vars{"version": "server " + program.ReadBuild().String(), "database": defaultDatabase},
	)
	if os.Getenv(databaseName) == "" {
		os.Unsetenv(databaseName) // an empty variable counts as unset
	}
	args = usage.Args(args)
	parsed, err := parser.Parse(args)
	switch {
	case left:
		if _, err := printed.WriteTo(stdout); err != nil {
			fmt.Fprintf(stderr, "server: stdout: %v\n", err)
			return 73
		}
		return 0
	case err != nil && strings.HasPrefix(err.Error(), "unexpected argument"):
		return badUsage(stderr, fmt.Errorf("%w; the server takes only flags, as in: server --listen 127.0.0.1:8001 --database sqlite:messages.db", err))
	case err != nil:
		return badUsage(stderr, usage.Explain(parser, args, err))
	case f.Healthcheck != nil:
		address, _ := healthURL(*f.Healthcheck) // as Validate has found
		if err := checkHealth(ctx, address); err != nil {
			fmt.Fprintf(stderr, "server: %v\n", err)
			return 1
		}
		return 0
	}

	log, logger, closeLog := openLog(stderr, f)
	defer closeLog()
	onCommandLine := slices.ContainsFunc(parsed.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag.Name == "database" })
	if onCommandLine && hasPassword(f.Database) {
		logger.Warn("every user of this machine can see the password on the command line; put the URL into DATABASE_URL instead")
	}
	if err := addDotEnv(&f, onCommandLine || os.Getenv(databaseName) != "", logger); err != nil {
		return badUsage(log, err)
	}
	if err := store.CheckURL(f.Database); err != nil {
		return badUsage(log, err)
	}
	greet := func(string) {}
	if file, ok := stderr.(*os.File); ok && f.LogFormat == "text" && term.IsTerminal(int(file.Fd())) {
		greet = func(url string) { fmt.Fprint(log, greeting(url)) }
	}
	if err := serve(ctx, f, logger, greet); err != nil {
		fmt.Fprintf(log, "server: %v\n", err)
		return 1
	}
	return 0
}

// greeting says what to do with a server that serves url, to a person who has started it.
func greeting(url string) string {
	return "\n  " + url + "   the messenger; open it in a browser, or:\n" +
		"  curl " + url + `messages -H "Content-Type: application/json" -d "{\"sender\":\"Ann\",\"text\":\"hello\"}"` + "\n\n"
}

func badUsage(w io.Writer, err error) int {
	fmt.Fprintf(w, "server: %v\nserver --help lists the flags.\n", err)
	return 64
}

// addDotEnv takes from the file .env what f and the environment leave open: the
// database unless it is named, and libpq's variables if the database is PostgreSQL.
// It does not read the file if nothing is missing.
func addDotEnv(f *flags, named bool, logger *slog.Logger) error {
	if named && store.Kind(f.Database) == "SQLite" {
		return nil
	}
	e, err := readDotEnv()
	switch {
	case err == nil:
	case named: // its own file of passwords, say, or a complete URL
		logger.Warn("nothing is read from .env", "err", err)
		return nil
	default:
		return err
	}
	if !named {
		if f.Database, err = e.database(); err != nil {
			return err
		}
	}
	if lines := e.unread(); len(lines) > 0 {
		logger.Warn("the server reads DATABASE_URL and PG* from .env, and not these", "lines", strings.Join(lines, ", "))
	}
	e.export()
	return nil
}

// hasPassword reports whether a database's URL holds a password, before the host or
// among the parameters, as libpq takes it.
func hasPassword(database string) bool {
	scheme, rest, _ := strings.Cut(database, "://")
	if scheme != "postgres" && scheme != "postgresql" {
		return false
	}
	// Whatever a password is made of: to libpq a # is a character, to url.Parse the end.
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		if strings.Contains(rest[:i], ":") {
			return true
		}
		rest = rest[i+1:]
	}
	_, query, _ := strings.Cut(rest, "?")
	values, _ := url.ParseQuery(query)
	return values.Has("password") || values.Has("sslpassword")
}

// logPatience bounds the wait for the end of the log to be written.
const logPatience = 2 * time.Second

// openLog returns the log, as a writer and as a logger. Neither blocks if stderr does.
func openLog(stderr io.Writer, f flags) (log io.Writer, logger *slog.Logger, closeLog func()) {
	w := program.NewLogWriter(stderr, func(lines int) {
		logger.Warn("lines of the log are lost; they could not be written, or not as fast as they came", "lines", lines)
	})
	logger = newLogger(w, f)
	return w, logger, func() { w.Close(logPatience) }
}

func newLogger(w io.Writer, f flags) *slog.Logger {
	options := &slog.HandlerOptions{Level: f.LogLevel}
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
