package main

import (
	"cmp"
	"context"
	"fmt"
)

// A row is one row of the table of targets. It may come to several lines.
type row struct {
	number  int
	what    string
	measure func(b *bench, ctx context.Context) ([]line, error)
}

// rows is set in init, to avoid an initialization cycle: the help text lists
// the rows, and is a method of the command that runs them.
var rows []row

func init() {
	rows = []row{
		{1, "the task's run, 50 × 100, 2 replicas, PostgreSQL ÷ ceiling", (*bench).taskRun},
		{2, "500 workers, 2 replicas, PostgreSQL ÷ ceiling", (*bench).manyWorkers},
		{3, "ours ÷ one transaction per request (--max-batch 1), 50 workers", (*bench).oneByOne},
		{4, "ours ÷ pgbench with a stored function, 50 connections", (*bench).storedFunction},
		{5, "SQLite ÷ PostgreSQL, 2 replicas, 50 workers", (*bench).sqlite},
		{6, "4 and 8 replicas ÷ 2, 50 workers, PostgreSQL", (*bench).moreReplicas},
		{7, "10,000,000 messages ÷ none; 1,000,000 senders ÷ ten", (*bench).largeTables},
		{8, "client with all checks on ÷ wrk, the same server on another core", (*bench).generators},
		{9, "memory of the server at 500 connections, of the client over 1,000,000 requests", (*bench).memory},
		{10, "twice the capacity offered: stored ÷ peak", (*bench).overload},
		{11, "one worker alone: mean latency ÷ (one flush + one bare round trip)", (*bench).alone},
		{12, "each replica watched ÷ nobody watches, 50 workers", (*bench).watched},
	}
}

// The two ceilings. A constant window cannot pass verification, so the client
// only counts its answers, which costs less than verifying ours. The client
// verifies the log in memory as it does ours.
const (
	literalCeiling = "constant answer, not verified"
	likeCeiling    = "log in memory, verified"
)

// againstCeilings runs PostgreSQL and both ceilings in turns under the load
// that args describe.
func (b *bench) againstCeilings(ctx context.Context, what string, args []string, target target) ([]series, []line, error) {
	ours, err := b.onPostgres(ctx, 2)
	if err != nil {
		return nil, nil, err
	}
	defer ours.stop()
	literal, err := b.startCeiling(ctx, "constant", 2, 1, "")
	if err != nil {
		return nil, nil, err
	}
	defer literal.stop()
	like, err := b.startCeiling(ctx, "memory", 1, 2, "")
	if err != nil {
		return nil, nil, err
	}
	defer like.stop()

	s, err := b.takeTurns(ctx,
		b.throughput("PostgreSQL", load{urls: ours.urls, args: args}),
		b.throughput(literalCeiling, load{urls: literal.urls, args: args, unverified: true}),
		b.throughput(likeCeiling, load{urls: like.urls, args: args}),
	)
	if err != nil {
		return nil, nil, err
	}
	return s, []line{
		compare(what+" ÷ literal ceiling", s[0], s[1], target),
		compare(what+" ÷ like-for-like ceiling", s[0], s[2], target),
	}, nil
}

func (b *bench) taskRun(ctx context.Context) ([]line, error) {
	what := fmt.Sprintf("the task's run, 50 × %d, 2 replicas: PostgreSQL", b.perWorker)
	_, lines, err := b.againstCeilings(ctx, what, b.task(), atLeast(0.70))
	if err != nil {
		return nil, err
	}
	return lines, b.profile(ctx, "row1", 50)
}

func (b *bench) manyWorkers(ctx context.Context) ([]line, error) {
	s, lines, err := b.againstCeilings(ctx, "500 workers, 2 replicas: PostgreSQL", b.timed(500), atLeast(0.90))
	if err != nil {
		return nil, err
	}
	b.capacity = median(s[0].Values)
	return lines, b.profile(ctx, "row2", 500)
}

func (b *bench) oneByOne(ctx context.Context) ([]line, error) {
	ours, err := b.onPostgres(ctx, 2)
	if err != nil {
		return nil, err
	}
	defer ours.stop()
	single, err := b.onPostgres(ctx, 2, "--max-batch", "1")
	if err != nil {
		return nil, err
	}
	defer single.stop()
	s, err := b.takeTurns(ctx,
		b.throughput("ours", load{urls: ours.urls, args: b.timed(50)}),
		b.throughput("one transaction per request", load{urls: single.urls, args: b.timed(50)}),
	)
	if err != nil {
		return nil, err
	}
	return []line{compare("50 workers, 2 replicas, PostgreSQL: ours ÷ one transaction per request", s[0], s[1], atLeast(12))}, nil
}

func (b *bench) sqlite(ctx context.Context) ([]line, error) {
	postgres, err := b.onPostgres(ctx, 2)
	if err != nil {
		return nil, err
	}
	defer postgres.stop()
	sqlite, err := b.onSQLite(ctx, 2)
	if err != nil {
		return nil, err
	}
	defer sqlite.stop()
	s, err := b.takeTurns(ctx,
		b.throughput("SQLite", load{urls: sqlite.urls, args: b.timed(50)}),
		b.throughput("PostgreSQL", load{urls: postgres.urls, args: b.timed(50)}),
		b.ownClients("SQLite, least share", sqlite, 50),
	)
	if err != nil {
		return nil, err
	}
	return []line{
		compare("50 workers, 2 replica processes: SQLite ÷ PostgreSQL", s[0], s[1], atLeast(1)),
		show("SQLite, each replica with a client of its own (25 workers each): least replica's part of all messages", s[2], atLeast(0.4)),
	}, nil
}

func (b *bench) moreReplicas(ctx context.Context) ([]line, error) {
	counts := []int{2, 4, 8}
	var contenders []contender
	for _, n := range counts {
		g, err := b.onPostgres(ctx, n)
		if err != nil {
			return nil, err
		}
		defer g.stop()
		contenders = append(contenders, b.throughput(fmt.Sprint(n, " replicas"), load{urls: g.urls, args: b.timed(50)}))
		if n > 2 {
			contenders = append(contenders, b.ownClients(fmt.Sprint(n, " replicas, least share"), g, 50))
		}
	}
	s, err := b.takeTurns(ctx, contenders...)
	if err != nil {
		return nil, err
	}
	fairness := func(n int, s series) line {
		fair := make([]float64, len(s.Values))
		for i, share := range s.Values {
			fair[i] = share * float64(n)
		}
		what := fmt.Sprintf("%d replicas, each with a client of its own (%d workers each): least replica's messages ÷ its fair share", n, 50/n)
		return line{What: what, Values: fair, Target: atLeast(0.5)}
	}
	return []line{
		compare("50 workers, PostgreSQL: 4 replicas ÷ 2", s[1], s[0], atLeast(0.90)),
		fairness(4, s[2]),
		compare("50 workers, PostgreSQL: 8 replicas ÷ 2", s[3], s[0], atLeast(0.75)),
		fairness(8, s[4]),
	}, nil
}

func (b *bench) overload(ctx context.Context) ([]line, error) {
	var lines []line
	for _, o := range []overloadCase{
		// A replica holds a queue and, in the store, a batch as long as the
		// queue. With these queues as many messages are in flight as at the
		// peak, and the other half of the workers is refused.
		{limit: "limited by the processors, which client and servers share", queue: 125, peak: 500, workers: 1000, capacity: b.capacity},
		// What is offered here leaves the processors idle most of the time.
		{limit: "limited by the database: --max-batch 1", flags: []string{"--max-batch", "1"}, queue: 25, peak: 50, workers: 200},
	} {
		more, err := b.overloadOnce(ctx, o)
		if err != nil {
			return nil, err
		}
		lines = append(lines, more...)
	}
	return lines, nil
}

// An overloadCase says what limits the replicas, how long their queues are, how many
// workers reach the peak and how many offer twice as much.
type overloadCase struct {
	limit         string
	flags         []string
	queue         int
	peak, workers int
	capacity      float64 // messages per second; 0: to be measured
}

func (b *bench) overloadOnce(ctx context.Context, o overloadCase) ([]line, error) {
	usual, err := b.onPostgres(ctx, 2, o.flags...)
	if err != nil {
		return nil, err
	}
	defer usual.stop()
	g, err := b.onPostgres(ctx, 2, append(o.flags, "--max-queue", fmt.Sprint(o.queue))...)
	if err != nil {
		return nil, err
	}
	defer g.stop()
	peak := b.throughput(fmt.Sprintf("peak, %d workers", o.peak), load{urls: usual.urls, args: b.timed(o.peak)})
	if o.capacity == 0 {
		if o.capacity, err = peak.run(ctx); err != nil {
			return nil, err
		}
	}
	rate := 2 * o.capacity
	p99 := &series{Name: "p99 of the accepted", Unit: "ms"}
	drain := &series{Name: "draining a full queue", Unit: "ms"}
	refused := &series{Name: "p99 of the refused", Unit: "ms"}
	refusals := &series{Name: "refused", Unit: "/s"}
	late := &series{Name: "late or never sent"}
	also := []*series{p99, drain, refused, refusals, late}
	overloaded := contender{name: "twice the capacity offered", unit: "/s", also: also, run: func(ctx context.Context) (float64, error) {
		args := append(b.timed(o.workers), "--rate", fmt.Sprintf("%.0f", rate))
		run, err := b.send(ctx, load{urls: g.urls, args: args, overload: true})
		if err != nil {
			return 0, err
		}
		for _, f := range run.Failures {
			if f.Reason != notStored {
				return 0, fmt.Errorf("%d requests ended in %q (%s); only %q is right", f.Count, f.Reason, f.Outcome, notStored)
			}
		}
		p99.Values = append(p99.Values, cmp.Or(run.Service.P99, run.Service.Max)) // no P99 of few
		drain.Values = append(drain.Values, float64(o.queue)/(run.Throughput/2)*1000)
		refusals.Values = append(refusals.Values, float64(run.Failed)/run.Total)
		late.Values = append(late.Values, float64(run.Late+run.Dropped)/float64(run.Sent+run.Dropped))
		if run.Refused != nil {
			refused.Values = append(refused.Values, cmp.Or(run.Refused.P99, run.Refused.Max))
		}
		return run.Throughput, nil
	}}
	s, err := b.takeTurns(ctx, peak, overloaded)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("2 replicas with queues of %d messages, %s; %.0f/s offered, which is twice the capacity: stored ÷ peak",
		o.queue, o.limit, rate)
	bounded := compare("the same: p99 of the accepted ÷ time to drain a full queue", *p99, *drain, atMost(2))
	bounded.Note = "2, since a batch may be as long as the queue that waits behind it"
	lines := []line{
		compare(what, s[1], s[0], atLeast(0.90)),
		bounded,
		show("the same: refused, all of them with 503 and not_stored", *refusals, target{}),
		show("the same: part that the client sent late, or could not send at all", *late, target{}),
	}
	if len(refused.Values) > 0 {
		lines = append(lines, show("the same: p99 of the refused", *refused, atMost(50)))
	}
	return lines, nil
}

// notStored is how the client names a refusal by a full queue.
const notStored = "status 503, not stored"
