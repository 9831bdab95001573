package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// The task itself: fifty workers, random replicas, one log.
func TestGuaranteesUnderLoad(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 4} {
		t.Run(fmt.Sprint(n, " replicas"), func(t *testing.T) {
			onEachDatabase(t, func(t *testing.T, db database) {
				rs := start(t, n, db.url)
				operations, failures := load(t.Context(), 30, rs.urls)
				for _, err := range failures {
					t.Error(err)
				}
				table := db.table(t)
				if len(table) != workers*30 {
					t.Errorf("the table has %d messages, want %d", len(table), workers*30)
				}
				mustHold(t, operations, table)
			})
		})
	}
}

// Eight replicas that find an empty database at the same instant all come up,
// on one log.
func TestStartRace(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		rs := start(t, 8, db.url)
		operations, failures := load(t.Context(), 2, rs.urls)
		for _, err := range failures {
			t.Error(err)
		}
		mustHold(t, operations, db.table(t))
	})
}

// A replica that is asked to stop under load answers whatever it has stored,
// and its neighbour does not notice.
func TestStopUnderLoad(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		rs := start(t, 2, db.url)
		urls := rs.urls()
		var sent atomic.Int64
		toFirst := func() []string {
			if sent.Add(1) == 10*workers { // everybody is in full swing
				rs.members[0].Signal(syscall.SIGTERM)
			}
			return urls[:1]
		}
		operations, _ := load(t.Context(), 1_000_000, toFirst)
		rs.mustEnd(0)

		if len(operations) < 10*workers {
			t.Fatalf("only %d operations: the replica went before it was asked to", len(operations))
		}
		table := db.table(t)
		mustHold(t, operations, table)
		unanswered := map[string]bool{}
		for _, op := range operations {
			unanswered[op.Text] = !op.OK
		}
		for _, m := range table {
			if unanswered[m.Text] {
				t.Errorf("seq %d, %q, is stored and was not answered", m.Seq, m.Text)
			}
		}
		_, window := mustPost(t, urls[1], "neighbour", "still here", "")
		if got, want := window[len(window)-1].Seq, int64(len(table)+1); got != want {
			t.Errorf("the neighbour's next seq = %d, want %d", got, want)
		}
	})
}

// Replicas that are killed under load lose nothing that they answered, and
// come back on the same log.
func TestKillUnderLoad(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		rs := start(t, 2, db.url)
		urls := rs.urls()
		var sent atomic.Int64
		both := func() []string {
			if sent.Add(1) == 10*workers {
				rs.members[0].Signal(os.Kill)
				rs.members[1].Signal(os.Kill)
			}
			return urls
		}
		operations, _ := load(t.Context(), 1_000_000, both)
		rs.kill(0)
		rs.kill(1)
		rs.restart(0)
		rs.restart(1)
		for i, url := range urls {
			op, err := send(t.Context(), []string{url}, fmt.Sprint("after the restart of ", i))
			if err != nil {
				t.Error(err)
			}
			operations = append(operations, op)
		}
		mustHold(t, operations, db.table(t))
	})
}

// Names that differ only in their normalisation are one sender, on whichever
// replica and database.
func TestOneNameIsOneSender(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		urls := start(t, 2, db.url).urls()
		composed, decomposed := "Zo\u00eb", "Zoe\u0308"
		mustPost(t, urls[0], decomposed, "one", "")
		_, window := mustPost(t, urls[1], composed, decomposed, "")
		own := window[len(window)-1]
		if own.Sender != composed || own.SenderCount != 2 {
			t.Errorf("the second message is %d of %+q, want 2 of %+q", own.SenderCount, own.Sender, composed)
		}
		if window[0].Sender != composed {
			t.Errorf("the first message is of %+q, want %+q", window[0].Sender, composed)
		}
		if own.Text != decomposed {
			t.Errorf("the text came back as %+q, want it untouched, %+q", own.Text, decomposed)
		}
	})
}

// A key's answer is the same for ever: on the other replica, after a restart.
func TestReplay(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		rs := start(t, 2, db.url)
		urls := rs.urls()
		const key, sender, text = "6f1c-key", "Анна", "привет"
		for i := range 12 {
			mustPost(t, urls[i%2], "other", fmt.Sprint("before ", i), "")
		}
		first, window := mustPost(t, urls[0], sender, text, key)
		if got := first.header.Get("Idempotent-Replayed"); got != "" {
			t.Errorf("the first answer has Idempotent-Replayed: %s", got)
		}
		if len(window) != 10 {
			t.Errorf("the window has %d messages, want 10", len(window))
		}
		for i := range 12 {
			mustPost(t, urls[i%2], "other", fmt.Sprint("after ", i), "")
		}

		replay := func(url, key string) {
			t.Helper()
			again, _ := mustPost(t, url, sender, text, key)
			if got := again.header.Get("Idempotent-Replayed"); got != "true" {
				t.Errorf("Idempotent-Replayed = %q, want true", got)
			}
			if string(again.body) != string(first.body) {
				t.Errorf("the replay is\n%s, want the first answer\n%s", again.body, first.body)
			}
		}
		reuse := func(url string) {
			t.Helper()
			r, err := post(t.Context(), url, sender, text+"!", key)
			if err != nil {
				t.Fatal(err)
			}
			if p := r.problem(t); r.status != http.StatusUnprocessableEntity || p.Outcome != "not_stored" {
				t.Errorf("the key with another text: status %d, outcome %q, want 422, not_stored", r.status, p.Outcome)
			}
		}
		for _, url := range urls {
			replay(url, key)
			replay(url, `"`+key+`"`) // as a structured-field string
			reuse(url)
		}
		for i := range urls {
			rs.stop(i)
			rs.restart(i)
		}
		for _, url := range rs.urls() {
			replay(url, key)
			reuse(url)
		}
		if n := len(db.table(t)); n != 25 {
			t.Errorf("the table has %d messages, want 25", n)
		}
	})
}

// The same request many times at once, through both replicas, is one message
// with one answer.
func TestConcurrentDuplicates(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		urls := start(t, 2, db.url).urls()
		const rounds, copies = 10, 20
		for round := range rounds {
			bodies := make([]string, copies)
			replayed := make([]bool, copies)
			var wg sync.WaitGroup
			for i := range copies {
				wg.Go(func() {
					r, err := post(t.Context(), urls[i%2], "sender", fmt.Sprint("round ", round), fmt.Sprint("key-", round))
					if err != nil {
						t.Error(err)
						return
					}
					if r.status != http.StatusOK {
						t.Errorf("status %d: %s", r.status, r.body)
					}
					bodies[i], replayed[i] = string(r.body), r.header.Get("Idempotent-Replayed") == "true"
				})
			}
			wg.Wait()
			originals := 0
			for i := range copies {
				if bodies[i] != bodies[0] {
					t.Errorf("two answers to one key:\n%s\n%s", bodies[0], bodies[i])
				}
				if !replayed[i] {
					originals++
				}
			}
			if originals != 1 {
				t.Errorf("%d of %d answers claim to be the original, want 1", originals, copies)
			}
		}
		if n := len(db.table(t)); n != rounds {
			t.Errorf("the table has %d messages, want %d", n, rounds)
		}
	})
}

// What looks dangerous is a message like any other, at the edge of the sizes too.
func TestHostileMessages(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		urls := start(t, 2, db.url).urls()
		texts := []string{
			`'; DROP TABLE messages; --`, `<script>alert("1")</script>`, `\u0041 \ " %s {{.}}`, "\r\n\t\u2028\ufeff\u202e",
			strings.Repeat("😀", 4096), "\U0010ffff\ufffd",
		}
		for i, text := range texts {
			_, window := mustPost(t, urls[i%2], "'; DROP TABLE messages; --", text, "")
			if got := window[len(window)-1].Text; got != text {
				t.Errorf("%+q came back as %+q", text, got)
			}
		}
		for i, m := range db.table(t) {
			if m.Text != texts[i] {
				t.Errorf("%+q is stored as %+q", texts[i], m.Text)
			}
		}
	})
}
