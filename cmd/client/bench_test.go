package main

import (
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"slices"
	"testing"

	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/server"
	memorystore "dummymessenger/internal/store/memory"
	"dummymessenger/internal/verify"
)

// newMemoryReplicas serves one log in memory from two replicas of our server.
func newMemoryReplicas(tb testing.TB) (urls []string) {
	log := memorystore.New()
	for range 2 {
		combiner := groupcommit.New(groupcommit.Config{Store: log.Open(), Encode: server.AppendMessage})
		go combiner.Run(tb.Context())
		logger := slog.New(slog.DiscardHandler)
		srv := &http.Server{Handler: server.New(server.Config{Log: combiner, Logger: logger}).Handler()}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		go srv.Serve(ln)
		tb.Cleanup(func() { srv.Close() })
		urls = append(urls, "http://"+ln.Addr().String())
	}
	return urls
}

// BenchmarkChecks measures what the checks cost: runs of 10 000 requests by 50
// workers against replicas that keep their log in memory, in turn with all
// checks, streamed, and without any. Client and servers share the processors,
// and are of one process, so that whatever slows the machine slows all alike.
func BenchmarkChecks(b *testing.B) {
	const requests = 10_000
	modes := []struct {
		name       string
		cfg        loadtest.Config
		perSecond  []float64
		cpuSeconds float64
	}{
		{name: "no-verify", cfg: loadtest.Config{Unverified: true}},
		{name: "verified"},
		{name: "streamed", cfg: loadtest.Config{Stream: true}},
	}
	urls := newMemoryReplicas(b)
	for b.Loop() {
		for i := range modes {
			m := &modes[i]
			cfg := m.cfg
			cfg.URLs, cfg.Requests = urls, requests
			test, err := loadtest.New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			runtime.GC() // what the last one left
			r := test.Run(b.Context(), nil)
			if v := test.Verifier(); r.OK != requests || v != nil && v.Verdict().Status != verify.Verified {
				b.Fatalf("%d ok", r.OK)
			}
			m.perSecond = append(m.perSecond, r.Throughput)
			m.cpuSeconds += r.Generator.CPU * r.Total
		}
	}
	median := func(x []float64) float64 { return slices.Sorted(slices.Values(x))[len(x)/2] }
	for _, m := range modes {
		b.ReportMetric(median(m.perSecond), m.name+"/s")
		b.ReportMetric(m.cpuSeconds*1e6/requests/float64(b.N), m.name+"-cpu-µs")
		b.ReportMetric(median(m.perSecond)/median(modes[0].perSecond), m.name+"-share")
	}
}
