//go:build linux

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// debugged starts a replica that shows its profiles, at address.
func debugged(t *testing.T, databaseURL string, args ...string) (rs *replicas, address string) {
	t.Helper()
	rs = start(t, 1, databaseURL, append(args, "--debug-listen", "127.0.0.1:0")...)
	found := regexp.MustCompile(`msg="serving profiles" addr=(\S+)`).FindStringSubmatch(rs.members[0].LogTail(20))
	if found == nil {
		t.Fatalf("the replica does not say where its profiles are:\n%s", rs.members[0].LogTail(20))
	}
	return rs, found[1]
}

// A footprint is what a replica holds for its callers.
type footprint struct {
	goroutines, sockets int
	profile             string // what all goroutines do
}

func (f footprint) String() string {
	return fmt.Sprintf("%d goroutines, %d sockets", f.goroutines, f.sockets)
}

// footprintOf asks the replica's profiles, at address, and the system.
func footprintOf(t *testing.T, address string, pid int) (f footprint) {
	t.Helper()
	caller.CloseIdleConnections()
	r, err := get(t.Context(), "http://"+address+"/debug/pprof/goroutine?debug=1")
	must(t, err)
	f.profile = string(r.body)
	if _, err := fmt.Sscanf(f.profile, "goroutine profile: total %d\n", &f.goroutines); r.status != http.StatusOK || err != nil {
		t.Fatalf("the profile of goroutines: status %d, %v: %.100s", r.status, err, r.body)
	}
	dir := fmt.Sprintf("/proc/%d/fd/", pid)
	files, err := os.ReadDir(dir)
	must(t, err)
	for _, file := range files {
		if target, err := os.Readlink(dir + file.Name()); err == nil && strings.HasPrefix(target, "socket:") {
			f.sockets++
		}
	}
	return f
}

// settle waits until the replica holds no more than before, but for a few
// connections that the test's own requests, and the database's, come and go with.
func (before footprint) settle(t *testing.T, address string, pid int) {
	t.Helper()
	const few = 4
	deadline := time.Now().Add(patience)
	for {
		now := footprintOf(t, address, pid)
		if now.goroutines <= before.goroutines+few && now.sockets <= before.sockets+few {
			t.Logf("before: %v; afterwards: %v", before, now)
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("before: %v; still, after %v: %v:\n%s", before, patience, now, now.profile)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
