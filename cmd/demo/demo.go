package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"dummymessenger/internal/faulty"
	"dummymessenger/internal/lab"
	"dummymessenger/internal/lab/pgcluster"

	"golang.org/x/term"
)

const (
	readyTimeout = time.Minute
	stopGrace    = 15 * time.Second
	logLines     = 15 // of a replica that failed
)

type demo struct {
	flags
	clientArgs     []string
	signals        <-chan os.Signal
	stdout, stderr io.Writer
}

// run is the whole demo. It returns the client's exit status.
func (d *demo) run(ctx context.Context) (status int, err error) {
	dir, err := os.MkdirTemp("", "dummymessenger-demo-")
	if err != nil {
		return 0, fmt.Errorf("the folder for temporary files (TMPDIR) cannot be used: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	programs, err := findPrograms(ctx, dir, d.stderr)
	if err != nil {
		return 0, err
	}
	if d.Broken != "" {
		return d.runBroken(dir, programs.client)
	}
	var cluster *pgcluster.Cluster
	config := lab.ReplicaConfig{Program: programs.server, Log: filepath.Join(dir, "replica-*.log")}
	switch {
	case d.Database != "":
		config.Database = d.Database // a relative path means our folder
		d.printf("database: yours\n")
	case d.Postgres:
		d.printf("starting PostgreSQL\n")
		cluster, err = pgcluster.Start(ctx, pgcluster.Config{Settings: map[string]string{"max_connections": "300"}})
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, cluster.Stop()) }()
		config.Database, config.Dir = cluster.URL("postgres"), dir
		d.printf("database: a throw-away PostgreSQL\n")
	default:
		config.Database, config.Dir = "sqlite:"+filepath.Join(dir, "demo.db"), dir
		d.printf("database: a new SQLite file in %s\n", dir)
	}

	replicas, err := d.startReplicas(ctx, config)
	defer func() { err = errors.Join(err, replicas.Stop(stopGrace)) }()
	if err != nil {
		return 0, err
	}
	run := func() (int, error) { return d.runClient(programs.client, replicas.URLs(), replicas) }
	if d.Kill {
		run = func() (int, error) {
			return d.runClientAmidFaults(ctx, dir, programs.client, &faults{replicas: replicas, cluster: cluster})
		}
	}
	if d.Open {
		return d.runInWindow(ctx, replicas.URLs(), run)
	}
	return run()
}

// brokenServer returns one of the self-test's servers, nil if there is none of this name.
func brokenServer(name string) *faulty.Server {
	all := slices.Concat(faulty.All, faulty.Correct)
	if i := slices.IndexFunc(all, func(s faulty.Server) bool { return s.Name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// runBroken runs the client against a server of the self-test.
func (d *demo) runBroken(dir, client string) (status int, err error) {
	s := brokenServer(d.Broken)
	d.printf("what is wrong: %s\n", s.Fault)
	running, err := s.Start(rand.Uint64())
	if err != nil {
		return 0, err
	}
	defer running.Close()
	var args []string
	if s.Drops {
		args = append(args, "--retries", "5")
	}
	if s.Profile() != "" {
		profile := filepath.Join(dir, "profile.json")
		if err := os.WriteFile(profile, []byte(s.Profile()), 0o600); err != nil {
			return 0, err
		}
		args = append(args, "--profile", profile)
	}
	d.clientArgs = append(args, d.clientArgs...)
	return d.runWithReport(func(report string) (int, error) {
		d.clientArgs = append([]string{"--html", report}, d.clientArgs...)
		return d.runClient(client, running.URLs, nil)
	})
}

// startReplicas starts all replicas at the same instant and waits until they
// are ready. Those it returns were started, also when there is an error.
func (d *demo) startReplicas(ctx context.Context, config lab.ReplicaConfig) (lab.Replicas, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	replicas, err := lab.StartReplicas(d.Replicas, config)
	if err != nil {
		return replicas, err
	}
	for i, r := range replicas {
		if err := r.WaitReady(ctx); err != nil {
			return replicas, fmt.Errorf("replica %d: %w", i+1, err)
		}
		d.printf("replica %d: %s (process %d)\n", i+1, r.URL(), r.Pid())
	}
	return replicas, nil
}

// runClient runs the client to its end, unless a replica ends first.
func (d *demo) runClient(program string, urls []string, replicas lab.Replicas) (status int, err error) {
	args := slices.Concat(d.clientArgs, urls)
	d.printf("client: %s\n\n", strings.Join(args, " "))
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = d.stdout, d.stderr

	// On a terminal the client must be in the terminal's process group to draw
	// there, and then gets its ^C from the terminal, as we do.
	shared := term.IsTerminal(int(os.Stderr.Fd())) || term.IsTerminal(int(os.Stdin.Fd()))
	start := lab.Start
	if shared {
		start = lab.StartInGroup
	}
	client, err := start(cmd)
	if err != nil {
		return 0, err
	}
	died := make(chan int, len(replicas))
	for i, r := range replicas {
		go func() {
			<-r.Done() // at the latest when run stops it
			died <- i
		}()
	}
	ended := func(i int) error {
		return fmt.Errorf("replica %d ended during the run (%v); its log ends:\n%s", i+1, replicas[i].Wait(), replicas[i].LogTail(logLines))
	}

	interrupted := false
	for {
		select {
		case <-client.Done():
			select {
			case i := <-died:
				return 0, ended(i)
			default:
			}
			return exitStatus(client.Wait())
		case i := <-died:
			client.Stop(os.Kill, 0)
			return 0, ended(i)
		case sig := <-d.signals:
			switch {
			case sig == syscall.SIGHUP: // the terminal may have sent it to the client as well, and more than once
				client.Signal(sig)
			case interrupted:
				client.Signal(os.Kill)
			case !shared || sig != os.Interrupt:
				client.Signal(os.Interrupt)
			}
			interrupted = true
		}
	}
}

// exitStatus is the exit status in what Wait returned.
func exitStatus(err error) (int, error) {
	exit, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return 0, nil
	case !ok:
		return 0, err
	case !exit.Exited(): // by a signal
		return 0, fmt.Errorf("the client was killed: %w", err)
	}
	return exit.ExitCode(), nil
}

func (d *demo) printf(format string, args ...any) { fmt.Fprintf(d.stderr, format, args...) }
