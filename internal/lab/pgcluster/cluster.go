// Package pgcluster runs a throw-away PostgreSQL from the programs that are
// installed on the machine.
package pgcluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dummymessenger/internal/lab"

	"github.com/jackc/pgx/v5"
)

// Config says what kind of cluster to start. The zero Config is a cluster with
// PostgreSQL's default settings: what it commits is durable.
type Config struct {
	// Settings are the server's, as in postgresql.conf. They override ours,
	// except port.
	Settings map[string]string

	// Pair prepares the cluster for having a standby and for following it.
	Pair bool

	// Dir is where the cluster's folder is made; by default the system's place
	// for temporary files. WALDir is where its write-ahead log is, by default
	// inside that folder. The cluster never grows beyond them.
	Dir, WALDir string

	// Template, if there is one, is what the data is copied from, which takes a
	// fraction of initdb's time. Where WALDir is set it is not used.
	Template *Template
}

// A Cluster is a running PostgreSQL with data of its own in a temporary
// folder, listening on a free port of 127.0.0.1. There is no Unix socket, and
// the port asks for a password: other users of the machine stay out.
type Cluster struct {
	bin      string // folder of PostgreSQL's programs
	dir      string // everything of this cluster is below it …
	walDir   string // … but for this, if it is not empty
	account  account
	settings map[string]string
	password string
	port     int

	server *lab.Process // the postmaster; ended after Kill
}

const (
	bindAttempts   = 5 // how often a port found free may be taken before we get it
	immediateGrace = 10 * time.Second
)

// Start makes a new cluster and returns when it accepts connections. The
// caller must Stop it. If there are no server programs the error is
// ErrNotInstalled. ctx is for the start only.
func Start(ctx context.Context, config Config) (_ *Cluster, err error) {
	c, err := newCluster(config.Dir)
	if err != nil {
		return nil, err
	}
	c.settings = config.Settings
	defer func() {
		if err != nil {
			c.removeAll()
		}
	}()
	if config.WALDir != "" {
		c.walDir = filepath.Join(config.WALDir, filepath.Base(c.dir))
	}
	if err := c.fill(ctx, config); err != nil {
		return nil, err
	}
	if err := c.launchOnFreePort(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// newCluster finds PostgreSQL's programs and makes a folder in parent, by default
// in the system's place for temporary files.
func newCluster(parent string) (*Cluster, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	account, err := newAccount()
	if err != nil {
		return nil, err
	}
	c := &Cluster{bin: bin, account: account, password: rand.Text()}
	return c, c.makeDir(cmp.Or(parent, account.tempDir()))
}

// fill makes the data folder.
func (c *Cluster) fill(ctx context.Context, config Config) error {
	var err error
	if config.Template != nil && c.walDir == "" {
		err = c.copyData(config.Template)
	} else {
		err = c.initdb(ctx)
	}
	if err == nil && config.Pair {
		err = c.preparePair()
	}
	return err
}

// makeDir makes the folder of this cluster in parent.
func (c *Cluster) makeDir(parent string) (err error) {
	if c.dir, err = os.MkdirTemp(parent, "dummymessenger-pg-"); err != nil {
		return err
	}
	return c.account.own(c.dir)
}

func (c *Cluster) removeAll() error {
	if c.walDir == "" {
		return os.RemoveAll(c.dir)
	}
	return errors.Join(os.RemoveAll(c.dir), os.RemoveAll(c.walDir))
}

func (c *Cluster) launchOnFreePort(ctx context.Context) (err error) {
	for attempt := 1; ; attempt++ {
		if c.port, err = freePort(); err != nil {
			return err
		}
		if err = c.launch(ctx); err == nil {
			return nil
		}
		if attempt == bindAttempts || !strings.Contains(c.LogTail(20), "could not bind") {
			return err
		}
	}
}

// initdb creates the data folder. Only this first filling is not flushed to
// disk: whatever is committed later is.
func (c *Cluster) initdb(ctx context.Context) error {
	passwordFile := filepath.Join(c.dir, "password")
	if err := os.WriteFile(passwordFile, []byte(c.password+"\n"), 0o600); err != nil {
		return err
	}
	if err := c.account.own(passwordFile); err != nil {
		return err
	}
	args := []string{"--pgdata", c.dataDir(), "--no-sync", "--encoding", "UTF8", "--locale", "C",
		"--username", "postgres", "--auth", "scram-sha-256", "--pwfile", passwordFile}
	if c.walDir != "" {
		if err := os.Mkdir(c.walDir, 0o700); err != nil {
			return err
		}
		if err := c.account.own(c.walDir); err != nil {
			return err
		}
		args = append(args, "--waldir", c.walDir, "--wal-segsize", "1")
	}
	cmd := c.command(ctx, "initdb", args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb failed: %w\n%s", err, out)
	}
	return os.Remove(passwordFile)
}

// launch starts the server on c.port and waits until it accepts connections.
func (c *Cluster) launch(ctx context.Context) error {
	logFile, err := os.OpenFile(c.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close() // the server has its own copy
	args := []string{"-D", c.dataDir()}
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "",
		"logging_collector":       "off",
	}
	maps.Copy(settings, c.settings)
	settings["port"] = strconv.Itoa(c.port)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	// The server outlives ctx, which is for the start only.
	cmd := c.command(context.WithoutCancel(ctx), "postgres", args...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if c.server, err = lab.Start(cmd); err != nil {
		return err
	}
	if err := c.waitReady(ctx); err != nil {
		c.server.Stop(os.Kill, 0)
		return err
	}
	return nil
}

// waitReady returns when the server has taken a connection with our password:
// a server of somebody else's on this port would not.
func (c *Cluster) waitReady(ctx context.Context) error {
	for {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.server.Done():
			return fmt.Errorf("PostgreSQL ended while it started (%v); its log ends:\n%s", c.server.Wait(), c.LogTail(20))
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL did not accept connections in time: %w; its log ends:\n%s", err, c.LogTail(20))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Stop ends the server and removes all data. It does not let the server write
// anything first, as it would when asked in order, since that goes as well.
func (c *Cluster) Stop() error {
	c.server.Stop(syscall.SIGQUIT, immediateGrace)
	return c.removeAll()
}

// Kill crashes the server: all its processes end at once and write nothing
// more, as with pg_ctl stop --mode immediate. What was committed is found
// again by the Restart after it.
//
// This is PostgreSQL's SIGQUIT. A SIGKILL would hit its first process only
// (each of the others is in a session of its own) and leave the rest running
// for a moment.
func (c *Cluster) Kill() error {
	c.server.Stop(syscall.SIGQUIT, immediateGrace)
	if _, err := os.Stat(c.dataDir()); err != nil {
		return fmt.Errorf("the cluster's data is gone: %w", err)
	}
	return nil
}

// Restart starts the server again after Kill or KillHard, on the same port and data.
func (c *Cluster) Restart(ctx context.Context) error {
	select {
	case <-c.server.Done():
	default:
		return errors.New("the cluster is still running; Kill it first")
	}
	return c.launch(ctx)
}

// URL is the address of one of the cluster's databases, with the rights of a
// superuser.
func (c *Cluster) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword("postgres", c.password),
		Host:     c.Addr(),
		Path:     database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Addr is host and port where the server listens.
func (c *Cluster) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)) }

// CreateDatabase creates an empty database and returns its URL.
func (c *Cluster) CreateDatabase(ctx context.Context, name string) (string, error) {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", err
	}
	return c.URL(name), nil
}

// Program is the path of one of PostgreSQL's programs, where it would be
// beside the server's own.
func (c *Cluster) Program(name string) string { return filepath.Join(c.bin, name) }

// Done is closed when the server has ended, on its own or killed.
func (c *Cluster) Done() <-chan struct{} { return c.server.Done() }

// LogTail returns the last lines of the server's log.
func (c *Cluster) LogTail(lines int) string { return lab.Tail(c.logPath(), lines) }

func (c *Cluster) dataDir() string { return filepath.Join(c.dir, "data") }
func (c *Cluster) logPath() string { return filepath.Join(c.dir, "log") }

// command prepares one of PostgreSQL's programs. Nothing of the caller's
// environment may redirect it.
func (c *Cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Program(name), args...)
	cmd.Dir = c.dir // ours may be closed to the account
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "PG") || strings.HasPrefix(s, "LC_") || strings.HasPrefix(s, "LANG")
	})
	cmd.Env = append(cmd.Env, "LC_ALL=C")
	c.account.apply(cmd)
	return cmd
}

// freePort is a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
