//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/lab/nemesis"
	"dummymessenger/internal/lab/netfault"
	"dummymessenger/internal/lab/pgcluster"
	"dummymessenger/internal/loadtest"
)

const (
	patience = 2 * time.Minute // for the replicas to get over a fault
	rate     = 200             // requests per second: what a long run can keep in memory
	maxQueue = 128             // of each replica, besides the load's own few
	crowd    = 100             // callers at once
	rush     = 4*maxQueue + 88 // callers at once of whom most are too many
)

// A run is one soak on one database.
type run struct {
	*nemesis.Trial
	dir      string // of the evidence
	replicas lab.Replicas
	disk     *nemesis.Disk     // with SQLite's file on it; nil if it cannot be filled
	pair     *pgcluster.Pair   // nil on SQLite
	proxies  []*netfault.Proxy // through which the replicas reach the pair
	database string            // URL, past the proxies
}

// A choice is one of the faults that a soak picks from.
type choice struct {
	make    func(*run) nemesis.Fault
	longest time.Duration // until it is mended
}

func (r *run) pick() int { return r.Rand.IntN(len(r.replicas)) }

func (r *run) pickURL() string { return r.replicas[r.pick()].URL() }

var choices = []choice{
	{func(r *run) nemesis.Fault { return nemesis.Kill(r.replicas, r.pick()) }, time.Second},
	{func(r *run) nemesis.Fault { return nemesis.Freeze(r.replicas[r.pick()]) }, 4 * time.Second},
	{func(r *run) nemesis.Fault { return nemesis.RollingRestart(r.replicas) }, 0},
	{func(r *run) nemesis.Fault { return nemesis.HangUp(r.Trial, r.replicas.URLs(), crowd) }, 0},
	{func(r *run) nemesis.Fault { return nemesis.SendSlowly(r.pickURL(), crowd) }, 4 * time.Second},
	{func(r *run) nemesis.Fault { return nemesis.NeverRead(r.pickURL(), crowd) }, 4 * time.Second},
	{func(r *run) nemesis.Fault {
		return nemesis.Overload(r.Trial, nemesis.Rush{
			URL: r.pickURL(), Database: r.database, Callers: rush, Refused: rush - 2*maxQueue,
		})
	}, 0},
}

// diskChoice is for where there is a disk to fill.
var diskChoice = choice{func(r *run) nemesis.Fault { return nemesis.FillDisk(r.disk) }, 4 * time.Second}

var postgresChoices = []choice{
	{func(r *run) nemesis.Fault { return nemesis.TerminateSessions(r.database) }, 0},
	{func(r *run) nemesis.Fault { return nemesis.StopPostgres(r.pair.Primary) }, 2 * time.Second},
	{func(r *run) nemesis.Fault { return nemesis.KillPostgres(r.pair.Primary) }, 2 * time.Second},
	{func(r *run) nemesis.Fault { return nemesis.FailOver(r.pair) }, time.Second},
	{func(r *run) nemesis.Fault { return nemesis.LoseStandby(r.pair) }, 8 * time.Second},
	{func(r *run) nemesis.Fault { return nemesis.Slow(r.proxies...) }, 4 * time.Second},
	{func(r *run) nemesis.Fault { return nemesis.Reset(r.proxies...) }, 0},
	{func(r *run) nemesis.Fault { return nemesis.Cut(r.proxies...) }, 4 * time.Second},
	{func(r *run) nemesis.Fault { return nemesis.HalfOpen(r.proxies...) }, 4 * time.Second},
	{func(r *run) nemesis.Fault { return nemesis.LoseConfirmation(r.proxies...) }, 0},
	{func(r *run) nemesis.Fault { return nemesis.LoseBatch(r.proxies...) }, 0},
}

func soak(ctx context.Context, kind string, length time.Duration, seed uint64) (err error) {
	r := new(run)
	if r.dir, err = os.MkdirTemp("", "dummymessenger-soak-"); err != nil {
		return err
	}
	defer func() {
		if err == nil {
			err = os.RemoveAll(r.dir)
		} else {
			err = fmt.Errorf("%w\nthe evidence is in %s", err, r.dir)
		}
	}()
	defer func() { err = errors.Join(err, r.end(err != nil)) }()
	if err := r.begin(ctx, kind, seed); err != nil {
		return err
	}
	possible := slices.Clone(choices)
	if r.pair != nil {
		possible = append(possible, postgresChoices...)
	}
	if r.disk != nil {
		possible = append(possible, diskChoice)
	}
	for began := time.Now(); time.Since(began) < length && ctx.Err() == nil; {
		r.Pause(time.Second)
		c := possible[r.Rand.IntN(len(possible))]
		if err := r.inject(context.WithoutCancel(ctx), c); err != nil {
			return err
		}
	}
	return r.judge(context.WithoutCancel(ctx), kind)
}

// inject breaks something, mends it after a while, and sees that the load goes on.
func (r *run) inject(ctx context.Context, c choice) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	fault := c.make(r)
	mend, err := r.Inject(ctx, fault)
	if err != nil {
		return err
	}
	r.Pause(c.longest)
	if err := mend(ctx); err != nil {
		return err
	}
	if err := r.Progress(ctx); err != nil {
		return fmt.Errorf("after %s: %w", fault.Name, err)
	}
	return nil
}

// begin starts database, replicas and load.
func (r *run) begin(ctx context.Context, kind string, seed uint64) (err error) {
	if err := lab.Build(ctx, r.dir, "dummymessenger/cmd/server"); err != nil {
		return fmt.Errorf("building the server: %w", err)
	}
	database := ""
	if kind == "sqlite" {
		r.database = "sqlite:" + filepath.Join(r.databaseDir(), "messages.db")
		database = r.database
	} else if database, err = r.beginPair(ctx); err != nil {
		return err
	}
	r.replicas, err = lab.StartReplicas(3, lab.ReplicaConfig{
		Program: lab.Program(r.dir, "server"), Database: database, Dir: r.dir, Log: filepath.Join(r.dir, "replica-*.log"),
		Args: []string{"--max-queue", fmt.Sprint(maxQueue)},
	})
	if err != nil {
		return err
	}
	ready, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := r.replicas.WaitReady(ready); err != nil {
		return err
	}
	r.Trial = nemesis.NewTrial(r.database, seed)
	return r.Begin(ctx, loadtest.Config{
		URLs: r.replicas.URLs(), Workers: 32, Rate: rate, Retries: 1 << 20, Timeout: 15 * time.Second, Seed: seed,
	})
}

// databaseDir is where SQLite's file goes: a disk that can be filled, if one can
// be made.
func (r *run) databaseDir() string {
	dir := filepath.Join(r.dir, "disk")
	err := os.Mkdir(dir, 0o755)
	if err == nil {
		r.disk, err = nemesis.MountDisk(dir, "1g")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak: no full disks, which need root and Linux:", err)
		return r.dir
	}
	return dir
}

// beginPair starts two clusters and returns the URL for the replicas, between
// whom and the clusters is a network that can fail.
func (r *run) beginPair(ctx context.Context) (database string, err error) {
	if r.pair, err = pgcluster.StartPair(ctx, pgcluster.Config{}); err != nil {
		return "", err
	}
	r.database = r.pair.URL("postgres")
	database = r.database
	for _, c := range []*pgcluster.Cluster{r.pair.Primary, r.pair.Standby} {
		p, err := netfault.Listen(c.Addr())
		if err != nil {
			return "", err
		}
		r.proxies = append(r.proxies, p)
		database = strings.Replace(database, c.Addr(), p.Addr(), 1)
	}
	return database, nil
}

// judge ends the load and says what is wrong with all of it.
func (r *run) judge(ctx context.Context, kind string) error {
	j, err := r.Judge(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %v\n", kind, j)
	for _, line := range r.Injected() {
		fmt.Println("  " + line)
	}
	wrong := j.Wrong
	if j.Run.Failed+j.Run.Unknown > 0 {
		wrong = append(wrong, fmt.Sprintf("requests that did not succeed in any of their tries: %v", j.Run.Failures))
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%d things are wrong, the first: %s", len(wrong), wrong[0])
}

// end stops everything, and keeps the evidence if something has failed.
func (r *run) end(failed bool) (err error) {
	if r.Trial != nil {
		if failed {
			err = r.KeepEvidence(context.Background(), r.dir)
		} else {
			r.Abort()
		}
	}
	for _, replica := range r.replicas {
		replica.Thaw()
	}
	err = errors.Join(err, r.replicas.Stop(20*time.Second))
	if r.disk != nil {
		if failed {
			err = errors.Join(err, os.CopyFS(filepath.Join(r.dir, "database"), os.DirFS(r.disk.Dir)))
		}
		err = errors.Join(err, r.disk.Unmount())
	}
	for _, p := range r.proxies {
		p.Close()
	}
	if r.pair == nil {
		return err
	}
	if failed {
		for name, c := range map[string]*pgcluster.Cluster{"primary": r.pair.Primary, "standby": r.pair.Standby} {
			err = errors.Join(err, os.WriteFile(filepath.Join(r.dir, name+".log"), []byte(c.LogTail(10_000)), 0o600))
		}
	}
	return errors.Join(err, r.pair.Stop())
}
