package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"time"

	"dummymessenger/internal/lab"
)

// wrkScript posts the same message again and again, and reports in one line.
const wrkScript = `wrk.method = "POST"
wrk.body = [[{"sender":"` + typicalSender + `","text":"` + typicalText + `"}]]
wrk.headers["Content-Type"] = "application/json"
function done(summary)
	local e = summary.errors
	print(string.format("requests=%d microseconds=%d errors=%d", summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout + e.status))
end
`

func (b *bench) generators(ctx context.Context) ([]line, error) {
	wrk, err := exec.LookPath("wrk")
	if err != nil {
		return nil, missing("wrk is not installed; apt-get install wrk, or the like")
	}
	if _, err := exec.LookPath("taskset"); err != nil {
		return nil, missing("taskset is not installed; it is in util-linux, for Linux only")
	}
	if runtime.NumCPU() < 2 {
		return nil, missing("two processors, one for the server and one for the client")
	}
	const serverCPU, clientCPU = "0", "1"
	g, err := b.startCeiling(ctx, "memory", 1, 1, serverCPU)
	if err != nil {
		return nil, err
	}
	defer g.stop()
	script := b.path("post.lua")
	if err := os.WriteFile(script, []byte(wrkScript), 0o600); err != nil {
		return nil, err
	}
	ours := &series{Name: "client", Unit: "µs"}
	wrks := &series{Name: "wrk", Unit: "µs"}
	s, err := b.takeTurns(ctx,
		contender{name: "client", unit: "/s", also: []*series{ours}, run: func(ctx context.Context) (float64, error) {
			run, err := b.send(ctx, load{urls: g.urls, args: b.timed(50), cpu: clientCPU})
			if err != nil {
				return 0, err
			}
			ours.Values = append(ours.Values, run.Generator.CPU/run.Throughput*1e6)
			return run.Throughput, nil
		}},
		contender{name: "wrk", unit: "/s", also: []*series{wrks}, run: func(ctx context.Context) (float64, error) {
			perSecond, cpu, err := runWrk(ctx, append(pinned(clientCPU), wrk, "--threads", "1", "--connections", "50",
				"--duration", fmt.Sprint(b.wholeSeconds(), "s"), "--script", script, g.urls[0]+"/messages"))
			wrks.Values = append(wrks.Values, cpu.Seconds()*1e6)
			return perSecond, err
		}},
	)
	if err != nil {
		return nil, err
	}
	cost := compare("the same: processor time that one request costs the generator", *ours, *wrks, target{})
	cost.Note = "the ratio above cannot tell the two apart where the server is what limits both"
	return []line{
		compare("log in memory on one core, generator on another, 50 connections: client with all checks ÷ wrk", s[0], s[1], atLeast(0.70)),
		cost,
	}, nil
}

var wrkDone = regexp.MustCompile(`(?m)^requests=(\d+) microseconds=(\d+) errors=(\d+)$`)

// runWrk also returns the processor time of one request.
func runWrk(ctx context.Context, argv []string) (perSecond float64, cpu time.Duration, err error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	out, err := cmd.CombinedOutput()
	found := wrkDone.FindSubmatch(out)
	switch {
	case err != nil:
		return 0, 0, fmt.Errorf("wrk failed: %w\n%s", err, out)
	case found == nil:
		return 0, 0, fmt.Errorf("wrk did not reach the end of its script\n%s", out)
	case string(found[3]) != "0":
		return 0, 0, fmt.Errorf("wrk counted %s errors\n%s", found[3], out)
	}
	requests, _ := strconv.ParseFloat(string(found[1]), 64) // digits only
	duration, _ := strconv.ParseFloat(string(found[2]), 64)
	if requests == 0 {
		return 0, 0, fmt.Errorf("wrk got no answer\n%s", out)
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return requests / duration * 1e6, used / time.Duration(requests), nil
}

// wholeSeconds is the length of a run for programs that accept only whole
// seconds.
func (b *bench) wholeSeconds() int { return max(1, int(b.length.Round(time.Second).Seconds())) }

func (b *bench) memory(ctx context.Context) ([]line, error) {
	if _, err := peakMemory(os.Getpid()); err != nil {
		return nil, missing("Linux's /proc, which tells the memory of a process")
	}
	var lines []line
	for _, on := range []struct {
		name  string
		start func(context.Context, int, ...string) (*group, error)
	}{{"PostgreSQL", b.onPostgres}, {"SQLite", b.onSQLite}} {
		peak, err := b.serverMemory(ctx, on.start)
		if err != nil {
			return nil, err
		}
		what := fmt.Sprintf("server on %s, 500 connections to each of 2 replicas, all busy: peak memory of the larger one (VmHWM)", on.name)
		lines = append(lines, show(what, series{Unit: "MiB", Values: []float64{peak}}, atMost(64)))
	}
	peak, growth, err := b.clientMemory(ctx)
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("client --stream, %d requests to the log in memory: ", b.stream)
	return append(lines,
		show(what+"peak memory (VmHWM)", series{Unit: "MiB", Values: []float64{peak}}, atMost(100)),
		line{What: what + "peak memory at the end ÷ halfway", Values: []float64{growth}, Target: atMost(1.10)},
	), nil
}

func (b *bench) serverMemory(ctx context.Context, start func(context.Context, int, ...string) (*group, error)) (mib float64, err error) {
	g, err := start(ctx, 2)
	if err != nil {
		return 0, err
	}
	defer g.stop()
	// Several loads in a row, since a collector's peak is a matter of luck.
	for range b.rounds {
		if _, err := b.send(ctx, load{urls: g.urls, args: b.timed(500)}); err != nil {
			return 0, err
		}
	}
	for _, p := range g.processes {
		peak, err := peakMemory(p.Pid())
		if err != nil {
			return 0, err
		}
		mib = max(mib, peak)
	}
	return mib, nil
}

// clientMemory also returns how much the peak grew in the second half.
func (b *bench) clientMemory(ctx context.Context) (mib, growth float64, err error) {
	g, err := b.startCeiling(ctx, "memory", 1, 2, "")
	if err != nil {
		return 0, 0, err
	}
	defer g.stop()
	var watching sync.WaitGroup
	var peaks []float64 // sampled evenly in time, and so in requests
	run, err := b.send(ctx, load{
		urls: g.urls,
		args: []string{"--workers", "50", "--requests", strconv.Itoa(b.stream), "--stream"},
		started: func(p *lab.Process) {
			watching.Go(func() { peaks = watch(p, 20*time.Millisecond) })
		},
	})
	watching.Wait()
	if err != nil {
		return 0, 0, err
	}
	if len(peaks) < 2 {
		return 0, 0, fmt.Errorf("the client's memory was seen only %d times in %.1f s", len(peaks), run.Total)
	}
	last := peaks[len(peaks)-1]
	return last, last / peaks[len(peaks)/2], nil
}

// watch samples the peak memory of p until it ends.
func watch(p *lab.Process, every time.Duration) (peaks []float64) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-p.Done():
			return peaks
		case <-ticker.C:
			if peak, err := peakMemory(p.Pid()); err == nil { // it may end just now
				peaks = append(peaks, peak)
			}
		}
	}
}
