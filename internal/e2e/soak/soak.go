//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/nemesis"
	"dummymessenger/internal/netfault"
	"dummymessenger/internal/pgcluster"
	"dummymessenger/internal/replica"
	"dummymessenger/internal/verify"
)

const (
	replicas = 3
	patience = 2 * time.Minute // for the replicas to get over a fault
	rate     = 200             // requests per second: what a long run can keep in memory
)

// A run is one soak on one database.
type run struct {
	ctx      context.Context // of the program: all that it starts ends with it
	dir      string          // of the evidence
	disk     string          // that can be filled, with the database on it; none if empty
	database string
	members  []*replica.Replica
	primary  *pgcluster.Cluster // nil on SQLite
	standby  *pgcluster.Cluster
	proxies  []*netfault.Proxy // through which the replicas reach the two
	load     *nemesis.Load
	hasty    []*verify.Operation // sent beside the load, by callers who did not wait
	outcome  *nemesis.Outcome    // nil until the load has ended
	rng      *rand.Rand
	injected map[string]int
}

// A fault is done when whatever it broke runs again.
type fault struct {
	name   string
	inject func(*run) error
}

var faults = []fault{
	{"kill -9 of a replica", (*run).killReplica},
	{"SIGSTOP of a replica", (*run).freezeReplica},
	{"rolling restart with SIGTERM", (*run).rollingRestart},
	{"hundred callers who hang up", (*run).hangUp},
	{"hundred callers who send slowly", (*run).sendSlowly},
	{"overload", (*run).overload},
}

// diskFault is possible where there is a disk to fill.
var diskFault = fault{"disk full", (*run).fillDisk}

var postgresFaults = []fault{
	{"terminated sessions", (*run).terminateSessions},
	{"immediate stop of PostgreSQL", (*run).stopPostgres},
	{"kill -9 of the primary, and failover", (*run).failOver},
	{"synchronous standby away", (*run).standbyAway},
	{"network slow", (*run).slowNetwork},
	{"network reset", (*run).resetNetwork},
	{"network cut", (*run).cutNetwork},
	{"network half-open", (*run).halfOpenNetwork},
}

func soak(ctx context.Context, kind string, length time.Duration, seed uint64) (err error) {
	r := &run{ctx: ctx, rng: rand.New(rand.NewPCG(seed, 0)), injected: map[string]int{}}
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
	if err := r.begin(kind, seed); err != nil {
		return err
	}
	possible := faults
	if r.primary != nil {
		possible = slices.Concat(faults, postgresFaults)
	}
	if r.disk != "" {
		possible = append(slices.Clone(possible), diskFault)
	}
	began := time.Now()
	for time.Since(began) < length && ctx.Err() == nil {
		f := possible[r.rng.IntN(len(possible))]
		time.Sleep(time.Duration(r.rng.Int64N(int64(time.Second))))
		if err := f.inject(r); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		r.injected[f.name]++
		if err := r.progress(); err != nil {
			return fmt.Errorf("after %s: %w", f.name, err)
		}
	}
	return r.judge(kind, time.Since(began))
}

// begin starts database, replicas and load.
func (r *run) begin(kind string, seed uint64) (err error) {
	program := filepath.Join(r.dir, "server")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, "dummymessenger/cmd/server").CombinedOutput(); err != nil {
		return fmt.Errorf("building the server: %w\n%s", err, out)
	}
	database := "sqlite:" + filepath.Join(r.databaseDir(kind), "messages.db")
	if kind == "sqlite" {
		r.database = database
	} else if database, err = r.beginPair(); err != nil {
		return err
	}
	var urls []string
	for i := range replicas {
		member, err := replica.Start(replica.Config{
			Program: program, Database: database, Dir: r.dir, Log: filepath.Join(r.dir, fmt.Sprintf("replica-%d.log", i+1)),
			Args: []string{"--max-queue", fmt.Sprint(maxQueue)},
		})
		if err != nil {
			return err
		}
		r.members = append(r.members, member)
	}
	for i := range r.members {
		if err := r.waitReady(i); err != nil {
			return err
		}
		urls = append(urls, r.members[i].URL())
	}
	r.load, err = nemesis.Start(context.WithoutCancel(r.ctx), loadtest.Config{
		URLs: urls, Workers: 32, Rate: rate, Retries: 1 << 20, Timeout: 15 * time.Second, Seed: seed,
	})
	return err
}

// databaseDir is where SQLite's file goes: a disk that can be filled, if one can
// be made.
func (r *run) databaseDir(kind string) string {
	if kind != "sqlite" {
		return r.dir
	}
	disk := filepath.Join(r.dir, "disk")
	if err := errors.Join(os.Mkdir(disk, 0o755), mountDisk(disk)); err != nil {
		fmt.Fprintln(os.Stderr, "soak: no full disks, which need root and Linux:", err)
		return r.dir
	}
	r.disk = disk
	return disk
}

// beginPair starts two clusters and returns the URL for the replicas, between
// whom and the clusters is a network that can fail.
func (r *run) beginPair() (database string, err error) {
	if r.primary, err = pgcluster.Start(r.ctx, pgcluster.Config{Pair: true}); err != nil {
		return "", err
	}
	if r.standby, err = r.primary.StartStandby(r.ctx); err != nil {
		return "", err
	}
	r.database = pgcluster.PairURL(r.primary, r.standby, "postgres")
	database = r.database
	_, rest, _ := strings.Cut(database, "@")
	hosts, _, _ := strings.Cut(rest, "/")
	for host := range strings.SplitSeq(hosts, ",") {
		p, err := netfault.Listen(host)
		if err != nil {
			return "", err
		}
		r.proxies = append(r.proxies, p)
		database = strings.Replace(database, host, p.Addr(), 1)
	}
	return database, r.pairUp()
}

// pairUp makes commits wait for the standby from now on.
func (r *run) pairUp() error {
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	if err := r.primary.Set(ctx, "synchronous_standby_names", "*"); err != nil {
		return err
	}
	return r.primary.WaitSync(ctx)
}

// end stops everything, and keeps the evidence if something has failed.
func (r *run) end(failed bool) (err error) {
	if failed && r.load != nil {
		err = r.keepEvidence()
	}
	for _, m := range r.members {
		select {
		case <-m.Done():
		default:
			m.Thaw()
			err = errors.Join(err, m.Stop(syscall.SIGTERM, 20*time.Second))
		}
	}
	if r.disk != "" {
		if failed {
			err = errors.Join(err, os.CopyFS(filepath.Join(r.dir, "database"), os.DirFS(r.disk)))
		}
		err = errors.Join(err, unmountDisk(r.disk))
	}
	for _, p := range r.proxies {
		p.Close()
	}
	for name, c := range map[string]*pgcluster.Cluster{"primary": r.primary, "standby": r.standby} {
		if c == nil {
			continue
		}
		if failed {
			err = errors.Join(err, os.WriteFile(filepath.Join(r.dir, name+".log"), []byte(c.LogTail(10_000)), 0o600))
		}
		err = errors.Join(err, c.Stop())
	}
	return err
}

// keepEvidence writes the history, and the table as it is now.
func (r *run) keepEvidence() error {
	if r.outcome == nil {
		r.outcome = r.load.Abort()
	}
	err := r.outcome.WriteHistory(filepath.Join(r.dir, "history.jsonl"))
	table, tableErr := nemesis.ReadTable(context.WithoutCancel(r.ctx), r.database)
	if tableErr != nil {
		return errors.Join(err, tableErr)
	}
	var lines []byte
	for _, row := range table {
		lines = fmt.Appendf(lines, "%+v\n", row)
	}
	return errors.Join(err, os.WriteFile(filepath.Join(r.dir, "table.txt"), lines, 0o600))
}

// judge ends the load and says what is wrong with all of it.
func (r *run) judge(kind string, length time.Duration) error {
	o := r.load.Stop()
	r.outcome = o
	table, err := nemesis.ReadTable(context.WithoutCancel(r.ctx), r.database)
	if err != nil {
		return err
	}
	wrong := nemesis.Compare(slices.Concat(o.Operations, r.hasty), table)
	if kind == "sqlite" {
		if err := nemesis.IntegrityCheck(r.file()); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	fmt.Printf("%s: %.0f s; %d requests: %d ok, %d failed, %d unknown, %d retries; verdict: %s; table: %d rows, %d differences\n", kind,
		length.Seconds(), o.Run.Sent, o.Run.OK, o.Run.Failed, o.Run.Unknown, o.Run.Retried, o.Verdict.Status, len(table), len(wrong))
	for _, name := range slices.Sorted(maps.Keys(r.injected)) {
		fmt.Printf("  %d × %s\n", r.injected[name], name)
	}
	if o.Verdict.Status != verify.Verified {
		wrong = append(wrong, fmt.Sprintf("verdict: %s %q", o.Verdict.Status, o.Verdict.Reasons))
	}
	if o.Run.Failed+o.Run.Unknown > 0 {
		wrong = append(wrong, fmt.Sprintf("requests that did not succeed in any of their tries: %v", o.Run.Failures))
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%d things are wrong, the first: %s", len(wrong), wrong[0])
}

// progress waits until requests that are sent from now on are answered.
func (r *run) progress() error {
	target := r.load.Answered() + 64 // more than are under way
	for deadline := time.Now().Add(patience); r.load.Answered() < target; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("requests were not answered within %v", patience)
		}
	}
	return nil
}
