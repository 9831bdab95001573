package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"time"

	"dummymessenger/internal/measure"
)

// wrkScript posts the same message again and again, and reports in one line.
const wrkScript = `wrk.method = "POST"
local text = "0123456789AB-012-00345 скоро буду, see you at seven. Спасибо! Не забудь зонт 😀 done, sure"
wrk.body = '{"sender":"Мария","text":"' .. text .. '"}'
wrk.headers["Content-Type"] = "application/json"
function done(summary)
	local e = summary.errors
	local errors = e.connect + e.read + e.write + e.timeout + e.status
	print(string.format("requests=%d microseconds=%d errors=%d", summary.requests, summary.duration, errors))
end
`

// cost is what one request costs the generator.
var cost = figure{"processor time of a request", "µs"}

// generators compares the client with wrk. Servers and generator have a
// processor each.
func (b *bench) generators() []wanted {
	const serverCPU, clientCPU = "0", "1"
	s := b.inMemory()
	start := s.start
	s.start = func(ctx context.Context) (*group, error) {
		for _, program := range []string{"wrk", "taskset"} {
			if _, err := exec.LookPath(program); err != nil {
				return nil, missing("%s is not installed; apt-get install wrk util-linux, or the like", program)
			}
		}
		if runtime.NumCPU() < 2 {
			return nil, missing("two processors, one for the server and one for the client")
		}
		g, err := start(ctx)
		if err != nil {
			return nil, err
		}
		pid := strconv.Itoa(g.processes[0].Pid())
		if out, err := exec.CommandContext(ctx, "taskset", "-apc", serverCPU, pid).CombinedOutput(); err != nil {
			g.stop()
			return nil, fmt.Errorf("taskset: %w: %s", err, out)
		}
		return g, nil
	}
	client := b.sends("client", s, load{args: b.timed(50), cpu: clientCPU}, func(run *measure.Run, s sample) error {
		s[cost] = run.Generator.CPU / run.Throughput * 1e6
		return nil
	})
	wrk := &contender{name: "wrk", on: s, run: func(ctx context.Context) (sample, error) {
		script := b.path("post.lua")
		if err := os.WriteFile(script, []byte(wrkScript), 0o600); err != nil {
			return nil, err
		}
		perSecond, cpu, err := runWrk(ctx, append(pinned(clientCPU), "wrk", "--threads", "1", "--connections", "50",
			"--duration", fmt.Sprintf("%.0fs", max(1, b.length.Seconds())),
			"--script", script, s.urls[0]+"/messages"))
		return sample{throughput: perSecond, cost: cpu.Seconds() * 1e6}, err
	}}
	return []wanted{
		b.compareTo("50 connections", client, wrk, target{}),
		{"the same: processor time of one request (the server limits both)", cost, client, wrk, target{}},
	}
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
