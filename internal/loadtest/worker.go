package loadtest

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"dummymessenger/internal/verify"
)

// A worker sends one request after the other, each to a random replica.
type worker struct {
	test    *Test
	id      int
	quota   int        // measured requests left to send; no limit if negative
	number  int        // of its next operation
	choices *rand.Rand // of sender, text and replica
	pauses  *rand.Rand // of retries; separate, so that a retry does not change the choices
	replays *rand.Rand // of requests to replay, and where; separate for the same reason
	texts   textMaker
	conns   []*conn       // by replica
	timeout time.Duration // of each try
	retries int
	request []byte // buffer
}

func newWorker(t *Test, id, quota int) *worker {
	choices := rand.New(rand.NewPCG(t.config.Seed, uint64(id)<<1))
	w := &worker{
		test: t, id: id, quota: quota, timeout: t.config.Timeout, retries: t.config.Retries,
		choices: choices, texts: newTextMaker(choices, &t.config.Profile.Request),
		pauses:  rand.New(rand.NewPCG(t.config.Seed, uint64(id)<<1|1)),
		replays: rand.New(rand.NewPCG(^t.config.Seed, uint64(id))),
	}
	for _, target := range t.targets {
		w.conns = append(w.conns, &conn{target: target, opened: func() { t.connections.Add(1) }})
	}
	return w
}

func (w *worker) close() {
	for _, c := range w.conns {
		c.close()
	}
}

func (w *worker) work(ctx context.Context) {
	defer w.close()
	for {
		op, replica := w.choose() // before it is due, so that no latency contains it
		due, ok := w.next(ctx)
		if !ok {
			return
		}
		w.perform(ctx, op, due, replica)
	}
}

// choose returns the next request and the replica to try first.
func (w *worker) choose() (op *verify.Operation, replica int) {
	op = &verify.Operation{
		Worker: w.id,
		Number: w.number,
		Sender: w.test.config.Senders[w.choices.IntN(len(w.test.config.Senders))],
		Text:   w.texts.next(w.nonce(w.number)),
	}
	w.number++
	return op, w.choices.IntN(len(w.test.targets))
}

// next waits until a request is due and returns when that was. It returns false
// when there is none any more.
func (w *worker) next(ctx context.Context) (due time.Duration, ok bool) {
	t := w.test
	if t.config.Rate > 0 {
		return w.nextArrival(ctx)
	}
	due = t.now()
	measured := t.figures.Measures(due)
	switch {
	case ctx.Err() != nil, t.stopped.Load(), measured && w.quota == 0, t.over(due):
		return 0, false
	}
	if measured && w.quota > 0 {
		w.quota--
	}
	return due, true
}

// nonce returns the mark of one of this worker's operations, which is also its
// idempotency key.
func (w *worker) nonce(number int) string {
	return verify.Nonce{Run: w.test.run, Worker: w.id, Number: number}.String()
}

// perform sends op, first to replica, until it has an outcome or no tries left,
// and hands it to the recorders and the verifier.
func (w *worker) perform(ctx context.Context, op *verify.Operation, due time.Duration, replica int) {
	t := w.test
	key := ""
	if w.retries > 0 && t.config.keys() {
		key = w.nonce(op.Number)
	}
	t.inFlight.Add(1)
	defer t.inFlight.Add(-1)
	op.Call = due
	if t.config.Rate > 0 { // it may have been due for some time
		op.Call = t.now()
	}
	began := t.base.Add(op.Call)
	if t.verifier != nil {
		t.verifier.Call(op)
	}
	var open, last result // the last try that may have stored the message, and the last try
	for {
		op.Tries++
		op.Replica = replica
		last = w.try(op, key, replica, began)
		op.Return = last.at.Sub(t.base)
		op.By = last.by
		if last.outcome == verify.Unknown {
			open = last
		}
		if op.Tries > w.retries || !last.retryable(key != "") || ctx.Err() != nil {
			break
		}
		pause := w.pauseAfter(op.Tries, retryAfter(last.retryAfter, last.at))
		if t.over(op.Return+pause) || !sleep(ctx, pause) {
			break // the outcome stays what it is
		}
		replica = w.pauses.IntN(len(t.targets))
		began = time.Now()
	}
	if last.outcome == verify.Failed && open.reason != "" {
		last = open // the last failure does not undo what an earlier try may have stored
	}
	op.Outcome, op.Reason, op.Window, op.Count = last.outcome, last.reason, last.window, last.count
	if said := cmp.Or(last.detail, last.said); said != "" {
		t.details.LoadOrStore(last.reason, said)
	}
	t.giveUp(&last)
	if op.Outcome == verify.OK && key != "" && w.wantsReplay(op) {
		w.replay(op, key)
	}
	t.figures.Add(op, due)
	if t.record != nil {
		t.record(op)
	}
	if t.verifier != nil {
		t.verifier.Return(op)
	}
}

// hopeless is how many answers that cannot be read, and none that can, end the run.
const hopeless = 20

// giveUp ends the run if its first answers tell that the profile or the URL is wrong.
func (t *Test) giveUp(r *result) {
	switch {
	case t.readable.Load():
	case r.outcome == verify.OK:
		t.readable.Store(true)
	case r.detail != "" && !r.passing && t.unread.Add(1) == hopeless:
		t.gaveUp.Store(true)
		t.Stop()
	}
}

// try sends op once, to replica.
func (w *worker) try(op *verify.Operation, key string, replica int, began time.Time) result {
	t := w.test
	w.request = t.config.Profile.appendRequest(w.request[:0], t.targets[replica], op.Sender, op.Text, key)
	conn := w.conns[replica]
	answer, err := conn.exchange(w.request, began, w.timeout)
	conn.lastUsed = time.Now()
	r := t.classify(op.Text, answer, err)
	r.at, r.by, r.retryAfter = conn.lastUsed, answer.by, answer.retryAfter
	return r
}

// wantsReplay reports whether op is one of those to send again after its answer.
func (w *worker) wantsReplay(op *verify.Operation) bool {
	n := w.test.config.Replays
	return n > 0 && w.test.verifier != nil && !op.Sentinel && w.replays.IntN(n) == 0
}

// replay sends op again after it was answered, to another replica if there is
// one: the answer must be the same. It is not part of the load or of any figure.
func (w *worker) replay(op *verify.Operation, key string) {
	t := w.test
	replica := op.Replica
	if n := len(t.targets); n > 1 {
		replica = (replica + 1 + w.replays.IntN(n-1)) % n
	}
	result := w.try(op, key, replica, time.Now())
	if result.outcome != verify.OK {
		t.unreplayed.Add(1)
		return
	}
	op.Replay = result.window
}

// sleep returns false when ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
