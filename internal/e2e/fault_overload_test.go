//go:build linux

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/pgtest"
)

// holdLock stalls the database: no replica gets the log's lock until release.
func holdLock(t *testing.T, databaseURL string) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	must(t, err)
	release = sync.OnceFunc(func() { conn.Close(context.Background()) })
	t.Cleanup(release)
	_, err = conn.Exec(t.Context(), "BEGIN; SELECT FROM log_lock FOR UPDATE")
	must(t, err)
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

const goodPost = "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"

func rawPost(sender, text string) string {
	body, _ := json.Marshal(map[string]string{"sender": sender, "text": text})
	return fmt.Sprintf(goodPost, len(body), body)
}

// Thousands of callers meet a stalled database, beside some who send slowly and
// some who never read. All are told quickly; memory is bounded; all is well
// afterwards.
func TestFaultOverload(t *testing.T) {
	t.Parallel()
	databaseURL := pgtest.Database(t)
	db := postgresDatabase(databaseURL)
	const queue = connections / 5
	rs, profiles := debugged(t, databaseURL, "--max-queue", fmt.Sprint(queue), "--request-timeout", overloadTimeout.String())
	url := rs.urls()[0]
	addr := strings.TrimPrefix(url, "http://")
	pid := rs.members[0].Pid()
	mustPost(t, url, "sender", "before", "")
	before := footprintOf(t, profiles, pid)

	release := holdLock(t, databaseURL)
	var slow []net.Conn
	t.Cleanup(func() {
		for _, c := range slow {
			c.Close()
		}
	})
	connect := func() net.Conn {
		c, err := net.Dial("tcp", addr)
		must(t, err)
		c.SetDeadline(time.Now().Add(patience))
		return c
	}
	for i := range 100 {
		c := connect()
		slow = append(slow, c)
		if i%2 == 0 { // never finishes its request
			io.WriteString(c, "POST /messages HTTP/1.1\r\nHost: x\r\nContent-")
		} else { // never reads an answer
			io.WriteString(c, strings.Repeat(rawPost("", ""), 50))
		}
	}

	var mu sync.Mutex
	var quick, late int
	var slowestQuick, slowest time.Duration
	var wg sync.WaitGroup
	for i := range connections {
		c := connect()
		slow = append(slow, c)
		began := time.Now()
		// Here and now: a goroutine that gets its turn late would be a caller who
		// sends too slowly, and be cut off.
		io.WriteString(c, rawPost("sender", fmt.Sprint("overload ", i)))
		wg.Go(func() {
			h, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Errorf("connection %d: %v", i, err)
				return
			}
			defer h.Body.Close()
			took := time.Since(began)
			body, _ := io.ReadAll(h.Body)
			var p problem
			if err := json.Unmarshal(body, &p); err != nil || h.StatusCode != http.StatusServiceUnavailable || p.Outcome != "not_stored" {
				t.Errorf("connection %d: status %d, %s, want 503, not_stored", i, h.StatusCode, body)
			}
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, took)
			if strings.Contains(p.Detail, "too many") {
				quick++
				slowestQuick = max(slowestQuick, took)
			} else {
				late++
			}
		})
	}
	wg.Wait()
	t.Logf("%d connections, %d slow ones: %d × 503 at once (slowest %v), %d × 503 in time (slowest %v); peak memory %d MiB",
		connections, len(slow)-connections, quick, slowestQuick, late, slowest, peakMemory(t, pid))
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
	// Who never finished a request is cut off by the server; the others are
	// welcome to stay for a while.
	for i, c := range slow {
		if i >= 100 || i%2 == 1 {
			c.Close()
		}
	}
	before.settle(t, profiles, pid)
}

// Callers hang up while they wait in the queue: nothing of theirs is stored, and
// nothing of them stays, neither goroutine nor connection.
func TestFaultHangUp(t *testing.T) {
	t.Parallel()
	databaseURL := pgtest.Database(t)
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
	var sent, answered int
	var mu sync.Mutex
	for w := range 16 {
		wg.Go(func() {
			for n := range times(100) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.Int64N(int64(100*time.Millisecond))))
				r, err := post(ctx, url, "sender", fmt.Sprintf("hung up %d of %d", n, w), "")
				cancel()
				mu.Lock()
				sent++
				if err == nil && r.status == http.StatusOK {
					answered++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	before.settle(t, profiles, pid)
	table := db.table(t)
	texts := map[string]bool{}
	for _, m := range table {
		if texts[m.Text] {
			t.Errorf("%q is stored twice", m.Text)
		}
		texts[m.Text] = true
	}
	t.Logf("%d hung up in the queue, none stored; %d with a random time-out: %d answered, %d stored", queue, sent, answered, len(table)-2)
	if len(table)-2 < answered {
		t.Errorf("%d are stored, and %d were answered", len(table)-2, answered)
	}
}
