//go:build unix

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The client checks its own limit of open files before the run, so that it does
// not blame the servers for it.
func TestFewFiles(t *testing.T) {
	t.Parallel()
	url, url2 := newReplica(t, newMemory(), nil), newReplica(t, newMemory(), nil)
	for _, test := range []struct {
		args   []string
		status int
		advice string
	}{
		{[]string{"-q", "-c", "60", url, url2}, exitUsage, "ulimit -n 152) or use fewer workers (-c 16)"},
		{[]string{"-q", "-c", "16", "-n", "200", "--no-verify", url, url2}, exitVerified, ""},
		{[]string{"-q", "-c", "32", "-n", "200", url}, exitVerified, ""},
		{[]string{"-q", "-c", "33", "-n", "200", url}, exitUsage, "-c 32"},
		{[]string{"selftest"}, exitUsage, "-c 8"},
	} {
		cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-c", `ulimit -n 64; exec "$0" "$@"`, os.Args[0]}, test.args...)...)
		cmd.Env = append(os.Environ(), asClient+"=1")
		out, _ := cmd.CombinedOutput() // the status tells
		if status := cmd.ProcessState.ExitCode(); status != test.status || !strings.Contains(string(out), test.advice) {
			t.Errorf("client %q with 64 files = %d, want %d and %q\n%s", test.args, status, test.status, test.advice, out)
		}
	}
}
