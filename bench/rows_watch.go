package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"dummymessenger/internal/lab"
)

// watched compares a log while clients watch it, as the page does, with the
// same log unwatched.
func (b *bench) watched(ctx context.Context) ([]line, error) {
	g, err := b.onPostgres(ctx, 2)
	if err != nil {
		return nil, err
	}
	defer g.stop()
	usual := b.throughput("nobody watches", load{urls: g.urls, args: b.timed(50)})
	seen := &series{Name: "seen by a watcher", Unit: "MB/s"}
	s, err := b.takeTurns(ctx, usual, contender{name: "one watcher at each replica", unit: "/s", also: []*series{seen}, run: func(ctx context.Context) (float64, error) {
		stop, err := watchAll(ctx, g.urls)
		if err != nil {
			return 0, err
		}
		run, err := b.send(ctx, load{urls: g.urls, args: b.timed(50)})
		bytes := stop()
		if err != nil {
			return 0, err
		}
		if bytes == 0 {
			return 0, fmt.Errorf("the watchers saw nothing")
		}
		seen.Values = append(seen.Values, float64(bytes)/float64(len(g.urls))/run.Total/1e6)
		return run.Throughput, nil
	}})
	if err != nil {
		return nil, err
	}
	return []line{
		compare("50 workers, 2 replicas, PostgreSQL: each replica watched (/events) ÷ nobody watches", s[1], s[0], target{}),
		show("the same: what each watcher got", *seen, target{}),
	}, nil
}

// watchAll reads /events of each replica until stop, which returns how many
// bytes came.
func watchAll(ctx context.Context, urls []string) (stop func() int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	counts := make([]int64, len(urls))
	stop = func() (sum int64) {
		cancel()
		watching.Wait()
		for _, n := range counts {
			sum += n
		}
		return sum
	}
	for i, url := range urls {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/events", nil)
		if err != nil {
			stop()
			return nil, err
		}
		response, err := lab.Direct.Do(request)
		if err != nil {
			stop()
			return nil, err
		}
		if response.StatusCode != http.StatusOK {
			response.Body.Close()
			stop()
			return nil, fmt.Errorf("GET %s/events: %s", url, response.Status)
		}
		watching.Go(func() {
			defer response.Body.Close()
			counts[i], _ = io.Copy(io.Discard, response.Body) // ends with ctx
		})
	}
	return stop, nil
}
