package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A server of ours needs no profile, where there is none nothing is written, and files
// are as careful as elsewhere.
func TestProbeCommand(t *testing.T) {
	t.Parallel()
	ours := newReplica(t, newMemory(), nil)
	got := client(t.Context(), "probe", "--lang", "en", ours)
	if got.status != exitVerified || got.stdout != "" && !strings.Contains(got.stdout, `"/messages"`) {
		t.Errorf("probe = %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	name := filepath.Join(t.TempDir(), "profile.json")
	if got := client(t.Context(), "probe", "--lang", "en", "http://127.0.0.1:1", "-o", name); got.status != exitFailed {
		t.Errorf("probe of nothing = %d\n%s", got.status, got.stderr)
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("a profile of nothing was written")
	}
	got = client(t.Context(), "probe", "--lang", "en", ours, "-o", name)
	profile, err := os.ReadFile(name)
	if got.status == exitVerified && err == nil { // the server of this test does not name itself
		run := client(t.Context(), "-q", "-c", "4", "-n", "200", "--profile", name, ours)
		if run.status != exitVerified {
			t.Errorf("with the profile that was written, run = %d\n%s\n%s", run.status, profile, run.stdout)
		}
	}
	if got := client(t.Context(), "probe", "--timeout", "0s", ours); got.status != exitUsage {
		t.Errorf("without time, probe = %d", got.status)
	}
}
