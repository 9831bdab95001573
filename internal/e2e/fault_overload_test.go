//go:build linux

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/nemesis"
	"dummymessenger/internal/verify"
)

// holdLock stalls the database: no replica gets the log's lock until release.
func holdLock(t *testing.T, databaseURL string) (release func()) {
	t.Helper()
	unlock, err := nemesis.HoldLock(t.Context(), databaseURL)
	must(t, err)
	release = sync.OnceFunc(func() { must(t, unlock()) })
	t.Cleanup(release)
	return release
}

// peakMemory is the most memory that a process has had, in MiB.
func peakMemory(t *testing.T, pid int) (mib int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(rest, &mib); err != nil {
		t.Fatal(err)
	}
	return mib >> 10
}

// Thousands of callers meet a stalled database, beside some who send slowly and some
// who never read. All get an answer quickly, memory is bounded, and the replica
// recovers.
func TestFaultOverload(t *testing.T) {
	t.Parallel()
	databaseURL := labtest.Database(t)
	db := postgresDatabase(databaseURL)
	const queue = connections / 5
	rs, profiles := debugged(t, databaseURL, "--max-queue", fmt.Sprint(queue), "--request-timeout", overloadTimeout.String())
	url := rs.urls()[0]
	pid := rs.members[0].Pid()
	mustPost(t, url, "sender", "before", "")
	before := footprintOf(t, profiles, pid)

	tr := &trial{replicas: rs, Trial: nemesis.NewTrial(databaseURL, seed(t))}
	const slow = 50
	finish := tr.inject(nemesis.SendSlowly(url, slow))
	read := tr.inject(nemesis.NeverRead(url, slow))
	var mu sync.Mutex
	var quick, late int
	var slowestQuick, slowest time.Duration
	// The lock is held until all are refused.
	release := tr.inject(nemesis.Overload(tr.Trial, nemesis.Rush{
		URL: url, Database: databaseURL, Callers: connections, Refused: connections,
		Answered: func(a nemesis.Answer) {
			var p problem
			if err := json.Unmarshal(a.Body, &p); err != nil || a.Status != http.StatusServiceUnavailable || p.Outcome != "not_stored" {
				t.Errorf("%s: status %d, %s (%v), want 503, not_stored", a.Text, a.Status, a.Body, a.Err)
			}
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, a.Took)
			if strings.Contains(p.Detail, "too many") {
				quick++
				slowestQuick = max(slowestQuick, a.Took)
			} else {
				late++
			}
		},
	}))
	t.Logf("%d connections, %d slow ones: %d × 503 at once (slowest %v), %d × 503 in time (slowest %v); peak memory %d MiB",
		connections, 2*slow, quick, slowestQuick, late, slowest, peakMemory(t, pid))
	if quick < connections-2*queue {
		t.Errorf("%d of %d callers were refused at once, want all but the queue's %d", quick, connections, queue)
	}
	if limit := overloadTimeout + overloadSlack; slowest > limit {
		t.Errorf("the slowest refusal took %v, want %v at most", slowest, limit)
	}
	if mib := peakMemory(t, pid); mib > memoryLimit {
		t.Errorf("peak memory %d MiB, want %d at most", mib, memoryLimit)
	}

	release()
	_, window := mustPost(t, url, "sender", "after", "")
	if got := window[len(window)-1].Seq; got != 2 {
		t.Errorf("the next message has seq %d, want 2: a refused one was stored", got)
	}
	if n := len(db.table(t)); n != 2 {
		t.Errorf("the table has %d rows, want 2", n)
	}
	// The server cuts off callers that never finish a request. Callers that never read
	// an answer may stay for a while.
	read()
	before.settle(t, profiles, pid)
	finish()
}

// Callers hang up while they wait in the queue. None of their messages is stored, and
// no goroutine or connection of theirs stays.
func TestFaultHangUp(t *testing.T) {
	t.Parallel()
	databaseURL := labtest.Database(t)
	db := postgresDatabase(databaseURL)
	const queue = 300
	rs, profiles := debugged(t, databaseURL, "--max-queue", fmt.Sprint(queue), "--request-timeout", "30s")
	url, pid := rs.urls()[0], rs.members[0].Pid()
	mustPost(t, url, "sender", "before", "")
	before := footprintOf(t, profiles, pid)

	release := holdLock(t, databaseURL)
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	var wg sync.WaitGroup
	for i := range queue {
		wg.Go(func() {
			for ctx.Err() == nil { // until it is in the queue
				if _, err := post(ctx, url, "sender", fmt.Sprint("queued ", i), ""); err == nil {
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	eventually(t, "the queue is full", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		r, err := post(ctx, url, "sender", "one more", "")
		return err == nil && strings.Contains(string(r.body), "too many")
	})
	if full := footprintOf(t, profiles, pid); full.goroutines < before.goroutines+queue || full.sockets < before.sockets+queue {
		t.Errorf("with a full queue %+v, before %+v: the test cannot see what %d callers hold", full, before, queue)
	}
	hangUp()
	wg.Wait()
	before.settle(t, profiles, pid) // the database is still stalled
	eventually(t, "the queue is empty", func() bool {
		r, err := get(t.Context(), url+"/metrics")
		return err == nil && strings.Contains(string(r.body), "\ndummymessenger_queue_length 0\n")
	})
	release()
	mustPost(t, url, "sender", "after", "")
	for _, m := range db.table(t) {
		if m.Text != "before" && m.Text != "after" {
			t.Errorf("%q is stored, though its caller had gone before it was taken", m.Text)
		}
	}

	// At any moment, also in the middle of a commit: stored once or not at all.
	tr := &trial{replicas: rs, Trial: nemesis.NewTrial(databaseURL, seed(t))}
	for range times(16) {
		tr.inject(nemesis.HangUp(tr.Trial, rs.urls(), 100))()
	}
	before.settle(t, profiles, pid)
	table := db.table(t)
	texts := map[string]bool{}
	for _, m := range table {
		if texts[m.Text] {
			t.Errorf("%q is stored twice", m.Text)
		}
		texts[m.Text] = true
	}
	answered := 0
	for _, op := range tr.Extras() {
		if op.Outcome == verify.OK {
			answered++
		}
	}
	t.Logf("%d hung up in the queue, none stored; %d with a random time-out: %d answered, %d stored",
		queue, len(tr.Extras()), answered, len(table)-2)
	if len(table)-2 < answered {
		t.Errorf("%d are stored, and %d were answered", len(table)-2, answered)
	}
}
