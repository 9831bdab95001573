//go:build linux

package e2e

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/nemesis"
	"dummymessenger/internal/lab/pgcluster"
)

// PostgreSQL fails over by itself, as people have it do: the node that leads is killed
// whole, frozen until another one leads and woken, loses etcd, and hands over in order.
// No request fails, and nothing that was answered is lost.
func TestFaultPatroni(t *testing.T) {
	t.Parallel()
	operations, err := os.ReadFile("../../OPERATIONS.md")
	must(t, err)
	for _, command := range []string{pgcluster.NodeCommand, pgcluster.SwitchoverCommand} {
		if !strings.Contains(string(operations), "    "+command+"\n") {
			t.Errorf("OPERATIONS.md does not say %q", command)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	p, err := pgcluster.StartPatroni(ctx, "../../deploy/patroni")
	if err != nil {
		labtest.Missing(t, "root, and Debian's packages patroni and etcd-server", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, n := range p.Nodes {
				t.Logf("%s says:\n%s", n.Name, n.LogTail(40))
			}
		}
		must(t, p.Stop())
	})
	databaseURL := p.URL("postgres")
	tr := startTrial(t, start(t, 2, databaseURL), databaseURL, calm())
	faults := []func(*pgcluster.Patroni) nemesis.Fault{
		nemesis.KillLeader, nemesis.FreezeLeader, nemesis.SwitchOver, nemesis.LoseEtcd, nemesis.KillLeader,
	}
	rounds := 1
	switch {
	case testing.Short():
		faults = faults[:1]
	case os.Getenv("E2E_LONG") == "1":
		rounds = 3
	}
	for _, fault := range slices.Repeat(faults, rounds) {
		// A leader may for ever find the synchronous standby's key "updated by someone else". It
		// serves, but nobody could take over from it: there is nothing more to try.
		recovering, cancel := context.WithTimeout(t.Context(), time.Minute)
		err := p.WaitHealthy(recovering)
		cancel()
		if err != nil {
			t.Logf("Patroni does not recover, so this was the last fault: %v", err)
			break
		}
		f := fault(p)
		silence := longestSilence(tr)
		tr.inject(f)()
		tr.progress()
		t.Logf("%s: nobody was served for %.1f s", f.Name, silence().Seconds())
	}
	tr.finishUnharmed()
}

// longestSilence watches the load from now on. It returns a function that ends that, and
// returns the longest time without an answer.
func longestSilence(tr *trial) (end func() time.Duration) {
	stop, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		var most time.Duration
		answered, since := tr.Answered(), time.Now()
		for {
			select {
			case <-stop:
				longest <- most
				return
			case <-time.After(10 * time.Millisecond):
			}
			if now := tr.Answered(); now != answered {
				answered, since = now, time.Now()
			}
			most = max(most, time.Since(since))
		}
	}()
	return func() time.Duration { close(stop); return <-longest }
}
