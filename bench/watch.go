package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dummymessenger/internal/lab"
)

// seen is what each watcher got.
var seen = figure{"seen by a watcher", "MB/s"}

// watched compares a log while clients watch it, as the page does, with the
// same log unwatched.
func (b *bench) watched() []wanted {
	s := b.ours("nobody watches", 2)
	alone := b.workers(s, 50)
	watched := &contender{name: "one watcher at each replica", on: s, run: func(ctx context.Context) (sample, error) {
		watching, stop := context.WithCancel(ctx)
		var bytes atomic.Int64
		var watchers sync.WaitGroup
		defer watchers.Wait()
		defer stop()
		for _, url := range s.urls {
			events, err := get(watching, url+"/events")
			if err != nil {
				return nil, err
			}
			watchers.Go(func() {
				defer events.Body.Close()
				n, _ := io.Copy(io.Discard, events.Body) // ends with watching
				bytes.Add(n)
			})
		}
		start := time.Now()
		measured, err := alone.run(ctx)
		took := time.Since(start)
		stop()
		watchers.Wait()
		if err == nil && bytes.Load() == 0 {
			err = errors.New("the watchers saw nothing")
		}
		if err != nil {
			return nil, err
		}
		measured[seen] = float64(bytes.Load()) / float64(len(s.urls)) / took.Seconds() / 1e6
		return measured, nil
	}}
	return []wanted{
		b.compareTo("50 workers, 2 replicas", watched, alone, target{}),
		{"the same: what each watcher got", seen, watched, nil, target{}},
	}
}

var (
	lagMedian = figure{"delivery lag p50", "ms"}
	lagP99    = figure{"delivery lag p99", "ms"}
)

// lag measures how long after its answer at one replica a message is an event at the
// other one, while both are under load. It is below 0 for an event that comes first.
func (b *bench) lag() []wanted {
	s := b.ours("2 replicas", 2)
	load := b.workers(s, 50)
	c := &contender{name: "50 workers", on: s, run: func(ctx context.Context) (sample, error) {
		beside, stop := context.WithCancel(ctx)
		defer stop()
		events, err := get(beside, s.urls[1]+"/events")
		if err != nil {
			return nil, err
		}
		arrived, answered := map[string]time.Time{}, map[string]time.Time{}
		var both sync.WaitGroup
		both.Go(func() {
			defer events.Body.Close()
			id := ""
			for lines := bufio.NewScanner(events.Body); lines.Scan(); {
				if value, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
					id = value
				} else if lines.Text() == "" { // the end of an event, or of a heartbeat
					arrived[id] = time.Now()
					id = ""
				}
			}
		})
		both.Go(func() {
			for beside.Err() == nil {
				if seq, err := post(beside, s.urls[0]); err == nil {
					answered[seq] = time.Now()
				}
			}
		})
		measured, err := load.run(ctx)
		stop()
		both.Wait()
		if err != nil {
			return nil, err
		}
		var lags []float64
		for seq, at := range answered {
			if seen, ok := arrived[seq]; ok {
				lags = append(lags, milliseconds(seen.Sub(at)))
			}
		}
		if len(lags) == 0 {
			return nil, errors.New("no message was both answered and seen")
		}
		slices.Sort(lags)
		measured[lagMedian], measured[lagP99] = median(lags), lags[len(lags)*99/100]
		return measured, nil
	}}
	return []wanted{
		{"50 workers: from the answer at one replica to the event at the other, p50", lagMedian, c, nil, target{}},
		{"the same, p99", lagP99, c, nil, target{}},
	}
}

// post sends a message and returns its seq.
func post(ctx context.Context, url string) (seq string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/messages", strings.NewReader(`{"sender":"lag","text":"lag"}`))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := lab.Direct.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct{ Messages []struct{ Seq json.Number } }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", err
	}
	if len(answer.Messages) == 0 {
		return "", fmt.Errorf("status %s", response.Status)
	}
	return answer.Messages[len(answer.Messages)-1].Seq.String(), nil
}
