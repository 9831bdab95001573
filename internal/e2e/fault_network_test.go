//go:build linux

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/nemesis"
	"dummymessenger/internal/lab/netfault"
)

// startBehindProxies starts two replicas, each with a network of its own
// between it and the database.
func startBehindProxies(t *testing.T, databaseURL string) (*replicas, []*netfault.Proxy) {
	t.Helper()
	rs := &replicas{t: t, dir: t.ArtifactDir()}
	var proxies []*netfault.Proxy
	host := hostOf(t, databaseURL)
	for i := range 2 {
		p, err := netfault.Listen(host)
		must(t, err)
		t.Cleanup(p.Close)
		proxies = append(proxies, p)
		r, err := lab.StartReplica(lab.ReplicaConfig{
			Program:  program("server"),
			Database: strings.Replace(databaseURL, host, p.Addr(), 1),
			Log:      fmt.Sprintf("%s/replica-%d.log", rs.dir, i+1),
			Dir:      rs.dir,
		})
		must(t, err)
		rs.members = append(rs.members, r)
	}
	t.Cleanup(rs.finish) // before the networks go
	rs.waitReady()
	return rs, proxies
}

// The network between a replica and PostgreSQL fails in each way that it can.
func TestFaultNetwork(t *testing.T) {
	t.Parallel()
	databaseURL := labtest.Database(t)
	rs, proxies := startBehindProxies(t, databaseURL)
	tr := startTrial(t, rs, databaseURL, calm())
	for range times(5) {
		i := tr.pick()
		p := proxies[i]

		heal := tr.inject(nemesis.Slow(p))
		tr.Pause(300 * time.Millisecond)
		heal()

		tr.Pause(100 * time.Millisecond)
		for _, reset := range []nemesis.Fault{nemesis.Reset(p), nemesis.LoseConfirmation(p), nemesis.LoseBatch(p)} {
			tr.inject(reset)()
			tr.progress()
		}

		heal = tr.inject(nemesis.Cut(p))
		tr.Pause(500 * time.Millisecond)
		heal()
		tr.progress()

		heal = tr.inject(nemesis.HalfOpen(p))
		if status := tr.probe(1-i, 2*time.Second+slack).Status; status != http.StatusOK {
			t.Errorf("status %d of the other replica, want 200", status)
		}
		tr.Pause(time.Second)
		heal()
		tr.progress()
	}
	tr.finishUnharmed()
}

// A replica whose connection is half-open for longer than any of its time-outs
// finds its way back.
func TestFaultLongBlackHole(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it waits for time-outs of many seconds")
	}
	databaseURL := labtest.Database(t)
	rs, proxies := startBehindProxies(t, databaseURL)
	tr := startTrial(t, rs, databaseURL, calm())
	heal := tr.inject(nemesis.HalfOpen(proxies[0]))
	time.Sleep(13 * time.Second)
	heal()
	eventually(t, "the replica is ready again", func() bool {
		r, err := get(t.Context(), tr.members[0].URL()+"/readyz")
		return err == nil && r.status == http.StatusOK
	})
	if status := tr.probe(0, 2*time.Second+slack).Status; status != http.StatusOK {
		t.Errorf("status %d, want 200", status)
	}
	tr.finishUnharmed()
}
