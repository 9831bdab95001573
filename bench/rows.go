package main

import (
	"context"
	"fmt"
	"time"
)

// A row is one row of the table. It may come to several lines.
type row struct {
	number int
	what   string
	once   bool // it takes one round, without a warm-up
	lines  func(b *bench) []wanted
}

// lastTarget is the last row of those that have targets. (The tenth target counts
// allocations: BenchmarkExchange of internal/server.)
const lastTarget = 9

var rows = []row{
	{number: 1, what: "this build ÷ another commit's (--against), PostgreSQL", lines: func(b *bench) []wanted {
		return b.compareAt50And500(b.ours("this build", 2), b.otherBuild(), atLeast(1.4), atLeast(1.3))
	}},
	{number: 2, what: "ours over HTTP ÷ puts into etcd, one node", lines: func(b *bench) []wanted {
		return b.compareAt50And500(b.ours("ours", 2), b.etcd(), atLeast(1.4), atLeast(2))
	}},
	{number: 3, what: "ours ÷ the same combiner and store behind a bare handler", lines: func(b *bench) []wanted {
		bare := b.replicas("bare handler", b.bare, newDatabase, 2)
		return b.compareAt50And500(b.ours("ours", 2), bare, atLeast(0.98), atLeast(0.98))
	}},
	{number: 4, what: "SQLite ÷ PostgreSQL, 2 replicas", lines: func(b *bench) []wanted {
		return b.compareAt50And500(b.onSQLite(), b.ours("PostgreSQL", 2), atLeast(1.1), atLeast(1))
	}},
	{number: 5, what: "4 and 8 replicas ÷ 2, PostgreSQL", lines: func(b *bench) []wanted {
		two := b.workers(b.ours("2 replicas", 2), 50)
		return []wanted{
			b.compareTo("50 workers", b.workers(b.ours("4 replicas", 4), 50), two, atLeast(0.8)),
			b.compareTo("50 workers", b.workers(b.ours("8 replicas", 8), 50), two, atLeast(0.6)),
		}
	}},
	{number: 6, what: "one worker: mean latency ÷ (flush + bare HTTP round trip)", lines: func(b *bench) []wanted {
		ours := b.workers(b.ours("one worker", 2), 1)
		return []wanted{{"1 worker, 2 replicas: mean latency ÷ (flush + bare HTTP round trip)",
			latency, ours, b.flushAndTrip(), atMost(2.5)}}
	}},
	{number: 7, what: "1,000,000 senders ÷ ten; 10,000,000 messages ÷ none", lines: func(b *bench) []wanted {
		return []wanted{
			b.compareTo("50 workers", b.filled(b.senders, b.senders), b.filled(b.senders, 10), atLeast(0.85)),
			b.compareTo("50 workers", b.filled(b.messages, 10), b.filled(0, 10), atLeast(0.95)),
		}
	}},
	{number: 8, what: "twice the capacity offered: stored ÷ peak; p99 of the refused", lines: func(b *bench) []wanted {
		// A replica holds a queue and, in the store, a batch as long as the queue. With
		// these queues as many messages are in flight as at the peak, and the other
		// half of the workers is refused.
		return b.overload(overload{queue: 125, peak: 500, workers: 1000, stored: atLeast(0.8), refused: atMost(50)})
	}},
	{number: 9, what: "peak memory of the server and of the client", once: true, lines: func(b *bench) []wanted {
		postgres, sqlite, client := b.filledUp(b.ours("PostgreSQL", 2)), b.filledUp(b.onSQLite()), b.streaming()
		what := fmt.Sprintf("client --stream, %d requests to the log in memory: peak memory", b.stream)
		return []wanted{
			{"PostgreSQL, 500 connections to each of 2 replicas: peak memory", memory, postgres, nil, atMost(64)},
			{"SQLite, 500 connections to each of 2 replicas: peak memory", memory, sqlite, nil, atMost(64)},
			{what, memory, client, nil, atMost(100)},
			{what + " at the end ÷ halfway", growth, client, nil, target{}},
		}
	}},

	{number: 11, what: "layer by layer, from the bare handler to the whole server", lines: func(b *bench) []wanted {
		bare := b.replicas("bare handler", b.bare, newDatabase, 2)
		at50, at500 := b.workers(bare, 50), b.workers(bare, 500)
		var lines []wanted
		for _, s := range []*servers{
			b.replicas("+ timeouts of connections", b.bare, newDatabase, 2, "--layer", "timeouts"),
			b.replicas("+ a deadline for each request", b.bare, newDatabase, 2, "--layer", "contexts"),
			b.replicas("internal/server instead", b.bare, newDatabase, 2, "--layer", "server"),
			b.ours("+ metrics, log, pages: the server", 2),
		} {
			lines = append(lines, b.compareTo("50 workers", b.workers(s, 50), at50, target{}),
				b.compareTo("500 workers", b.workers(s, 500), at500, target{}))
		}
		return lines
	}},
	{number: 12, what: "group commit: ours ÷ one transaction a request", lines: func(b *bench) []wanted {
		one := b.workers(b.ours("one transaction a request", 2, "--max-batch", "1"), 50)
		return []wanted{b.compareTo("50 workers", b.workers(b.ours("ours", 2), 50), one, target{})}
	}},
	{number: 13, what: "the client with all checks ÷ wrk, one processor each", lines: (*bench).generators},
	{number: 14, what: "PostgreSQL ÷ servers without a database", lines: func(b *bench) []wanted {
		ours, memory := b.ours("PostgreSQL", 2), b.inMemory()
		same := b.replicas("constant answer, not verified", b.bare, constant, 2, "--layer", "server")
		at50, at500 := b.workers(ours, 50), b.workers(ours, 500)
		return []wanted{
			b.compareTo("50 workers", at50, b.workers(same, 50), target{}),
			b.compareTo("50 workers", at50, b.workers(memory, 50), target{}),
			b.compareTo("500 workers", at500, b.workers(same, 500), target{}),
			b.compareTo("500 workers", at500, b.workers(memory, 500), target{}),
		}
	}},
	{number: 15, what: "each replica watched ÷ nobody watches", lines: (*bench).watched},
	{number: 16, what: "one client a replica: least replica's part ÷ an equal one", lines: func(b *bench) []wanted {
		return []wanted{
			b.leastPart(b.onSQLite(), 2),
			b.leastPart(b.ours("PostgreSQL", 4), 4),
			b.leastPart(b.ours("PostgreSQL", 8), 8),
		}
	}},
	{number: 17, what: "overload limited by the database: stored ÷ peak", lines: func(b *bench) []wanted {
		return b.overload(overload{flags: []string{"--max-batch", "1"}, queue: 25, peak: 50, workers: 200})
	}},
	{number: 18, what: "delivery: from the answer at one replica to the event at the other", lines: (*bench).lag},
}

// compareTo is the line of the throughput of a ÷ that of c.
func (b *bench) compareTo(load string, a, c *contender, t target) wanted {
	return wanted{fmt.Sprintf("%s: %s ÷ %s", load, a.name, c.name), throughput, a, c, t}
}

func (b *bench) compareAt50And500(a, c *servers, at50, at500 target) []wanted {
	return []wanted{
		b.compareTo("50 workers", b.workers(a, 50), b.workers(c, 50), at50),
		b.compareTo("500 workers", b.workers(a, 500), b.workers(c, 500), at500),
	}
}

// onSQLite are two replicas on a new file.
func (b *bench) onSQLite() *servers {
	return b.replicas("SQLite", b.server, "sqlite:"+b.path("log.db"), 2)
}

// inMemory is one process of our server without a database.
func (b *bench) inMemory() *servers {
	return b.replicas("log in memory", b.bare, inMemory, 1, "--layer", "server")
}

// flushAndTrip measures the least that one stored message can take: a flush and
// an answer of net/http to the client.
func (b *bench) flushAndTrip() *contender {
	trip := b.workers(b.replicas("constant answer", b.bare, constant, 1), 1)
	return &contender{name: "flush + round trip", on: trip.on, run: func(ctx context.Context) (sample, error) {
		flush, err := flushLatency(b.dir, min(b.length, time.Second))
		if err != nil {
			return nil, err
		}
		measured, err := trip.run(ctx)
		if err != nil {
			return nil, err
		}
		return sample{latency: milliseconds(flush) + measured[latency]}, nil
	}}
}
