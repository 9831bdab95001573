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
	replicas = 3
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
	disk     *nemesis.PowerDisk // with SQLite's file on it; nil if there can be none
	pair     *pgcluster.Pair    // nil on SQLite
	proxies  []*netfault.Proxy  // through which the replicas reach the pair
	database string             // URL, past the proxies
}

// A choice is one of the faults that a soak picks from.
type choice struct {
	make    func(r *run, i int) nemesis.Fault // i is a replica
	longest time.Duration                     // until it is mended
}

var choices = []choice{
	{func(r *run, i int) nemesis.Fault { return nemesis.Kill(r.replicas, i) }, time.Second},
	{func(r *run, i int) nemesis.Fault { return nemesis.Freeze(r.replicas, i) }, 4 * time.Second},
	{func(r *run, i int) nemesis.Fault { return nemesis.RollingRestart(r.replicas) }, 0},
	{func(r *run, i int) nemesis.Fault { return nemesis.HangUp(r.Trial, r.replicas.URLs(), crowd) }, 0},
	{func(r *run, i int) nemesis.Fault { return nemesis.SendSlowly(r.replicas[i].URL(), crowd) }, 4 * time.Second},
	{func(r *run, i int) nemesis.Fault { return nemesis.NeverRead(r.replicas[i].URL(), crowd) }, 4 * time.Second},
	{func(r *run, i int) nemesis.Fault {
		return nemesis.Overload(r.Trial, nemesis.Rush{
			URL: r.replicas[i].URL(), Database: r.database, Callers: rush, Refused: rush - 2*maxQueue,
		})
	}, 0},
}

// diskChoices are for where there is a disk to fill, and to cut the power of.
var diskChoices = []choice{
	{func(r *run, i int) nemesis.Fault { return nemesis.FillDisk(r.disk.Dir) }, 4 * time.Second},
	{func(r *run, i int) nemesis.Fault { return nemesis.CutReplicas(r.disk, r.replicas) }, time.Second},
}

var postgresChoices = []choice{
	{func(r *run, i int) nemesis.Fault { return nemesis.TerminateSessions(r.database) }, 0},
	{func(r *run, i int) nemesis.Fault { return nemesis.StopPostgres(r.pair.Primary) }, 2 * time.Second},
	{func(r *run, i int) nemesis.Fault { return nemesis.KillPostgres(r.pair.Primary) }, 2 * time.Second},
	{func(r *run, i int) nemesis.Fault { return nemesis.FailOver(r.pair) }, time.Second},
	{func(r *run, i int) nemesis.Fault { return nemesis.LoseStandby(r.pair) }, 8 * time.Second},
	{func(r *run, i int) nemesis.Fault { return nemesis.Slow(r.proxies...) }, 4 * time.Second},
	{func(r *run, i int) nemesis.Fault { return nemesis.Reset(r.proxies...) }, 0},
	{func(r *run, i int) nemesis.Fault { return nemesis.Cut(r.proxies...) }, 4 * time.Second},
	{func(r *run, i int) nemesis.Fault { return nemesis.HalfOpen(r.proxies...) }, 4 * time.Second},
	{func(r *run, i int) nemesis.Fault { return nemesis.LoseConfirmation(r.proxies...) }, 0},
	{func(r *run, i int) nemesis.Fault { return nemesis.LoseBatch(r.proxies...) }, 0},
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
		possible = append(possible, diskChoices...)
	}
	for began := time.Now(); time.Since(began) < length && ctx.Err() == nil; {
		if err := r.inject(context.WithoutCancel(ctx), r.next(possible), possible); err != nil {
			return err
		}
	}
	return r.judge(context.WithoutCancel(ctx), kind)
}

// A step is one fault of the schedule.
type step struct {
	after  int64         // answers
	choice int           // of those that are possible
	victim int           // replica
	lasts  time.Duration // by the clock, since nothing may be answered meanwhile
}

// next is the schedule's next step, which the seed decides, whatever time the last one took.
func (r *run) next(possible []choice) step {
	r.Next()
	s := step{after: r.Rand.Int64N(rate), choice: r.Rand.IntN(len(possible)), victim: r.Rand.IntN(replicas)}
	s.lasts = time.Duration(r.Rand.Int64N(int64(possible[s.choice].longest) + 1))
	return s
}

// inject breaks something, mends it after a while, and sees that the load goes on.
func (r *run) inject(ctx context.Context, s step, possible []choice) error {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	if err := r.After(ctx, s.after); err != nil {
		return err
	}
	fault := possible[s.choice].make(r, s.victim)
	mend, err := r.Inject(ctx, fault)
	if err != nil {
		return err
	}
	time.Sleep(s.lasts)
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
		r.database = "sqlite:" + filepath.Join(r.databaseDir(ctx), "messages.db")
		database = r.database
	} else if database, err = r.beginPair(ctx); err != nil {
		return err
	}
	r.replicas, err = lab.StartReplicas(replicas, lab.ReplicaConfig{
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
		URLs: r.replicas.URLs(), Workers: 32, Rate: rate, Retries: 1 << 20, Replays: 50, Timeout: 15 * time.Second, Seed: seed,
	})
}

// databaseDir is where SQLite's file goes: a disk of its own, if there can be one.
func (r *run) databaseDir(ctx context.Context) string {
	var err error
	if r.disk, err = nemesis.NewPowerDisk(ctx, r.dir); err != nil {
		fmt.Fprintln(os.Stderr, "soak: no full disks and no power cuts, which need root, Linux and btrfs-progs:", err)
		return r.dir
	}
	return r.disk.Dir
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
		err = errors.Join(err, r.disk.Close())
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
