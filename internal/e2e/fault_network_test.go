//go:build linux

package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/netfault"
	"dummymessenger/internal/pgtest"
	"dummymessenger/internal/replica"
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
		r, err := replica.Start(replica.Config{
			Program:  program("server"),
			Database: strings.Replace(databaseURL, host, p.Addr(), 1),
			Log:      rs.dir + "/replica-" + string(rune('1'+i)) + ".log",
			Dir:      rs.dir,
		})
		must(t, err)
		rs.members = append(rs.members, r)
	}
	t.Cleanup(rs.finish) // before the networks go
	for i := range rs.members {
		rs.waitReady(i)
	}
	return rs, proxies
}

// The network between a replica and PostgreSQL fails in each way that it can.
func TestFaultNetwork(t *testing.T) {
	t.Parallel()
	databaseURL := pgtest.Database(t)
	rs, proxies := startBehindProxies(t, databaseURL)
	tr := startTrial(t, rs, databaseURL, calm())
	for range times(5) {
		i := tr.pick()
		p := proxies[i]

		p.Delay(20 * time.Millisecond)
		tr.fault("latency")
		tr.pause(300 * time.Millisecond)
		p.Heal()

		tr.pause(100 * time.Millisecond)
		p.Reset()
		tr.fault("reset at any moment")
		tr.progress()

		// The commit has taken place and its confirmation is lost.
		p.ResetOn(netfault.FromServer, "COMMIT\x00", 1)
		eventually(t, "a commit meets the reset", func() bool { return p.Armed() == 0 })
		tr.fault("reset behind a commit")
		tr.progress()

		// The batch never arrives.
		p.ResetOn(netfault.FromClient, "[dm:", 1) // the nonce in a text
		eventually(t, "a batch meets the reset", func() bool { return p.Armed() == 0 })
		tr.fault("reset before a commit")
		tr.progress()

		p.Cut()
		tr.fault("cut")
		tr.pause(500 * time.Millisecond)
		p.Heal()
		tr.progress()

		p.BlackHole()
		tr.fault("half-open")
		if status := tr.probe(1-i, 2*time.Second+slack).status; status != http.StatusOK {
			t.Errorf("status %d of the other replica, want 200", status)
		}
		tr.pause(time.Second)
		p.Heal()
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
	databaseURL := pgtest.Database(t)
	rs, proxies := startBehindProxies(t, databaseURL)
	tr := startTrial(t, rs, databaseURL, calm())
	proxies[0].BlackHole()
	tr.fault("half-open for 13 s")
	time.Sleep(13 * time.Second)
	proxies[0].Heal()
	eventually(t, "the replica is ready again", func() bool {
		r, err := get(t.Context(), tr.members[0].URL()+"/readyz")
		return err == nil && r.status == http.StatusOK
	})
	if status := tr.probe(0, 2*time.Second+slack).status; status != http.StatusOK {
		t.Errorf("status %d, want 200", status)
	}
	tr.finishUnharmed()
}
