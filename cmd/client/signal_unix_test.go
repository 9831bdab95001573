//go:build unix

package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// asClient makes the test binary the client.
const asClient = "DUMMYMESSENGER_TEST_AS_CLIENT"

func TestMain(m *testing.M) {
	if os.Getenv(asClient) != "" {
		main()
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // or children would ignore it where we were started so, as by nohup
	os.Exit(m.Run())
}

// process returns the client as a process of its own.
func process(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asClient+"=1")
	return cmd
}

// The first signal ends the run, which is settled, judged and reported.
func TestSignal(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		m := newMemory()
		reached := make(chan struct{})
		fault := func(_ http.ResponseWriter, number int64, _ func() []message) bool {
			if number == 300 {
				close(reached)
			}
			return false
		}
		cmd := process(t, "-n", "1000000", newReplica(t, m, fault), newReplica(t, m, nil))
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-reached
		cmd.Process.Signal(signal)
		cmd.Wait()
		if status := cmd.ProcessState.ExitCode(); status != exitInterrupted {
			t.Errorf("%v: status %d, want %d\n%s", signal, status, exitInterrupted, &stderr)
		}
		if !strings.Contains(stderr.String(), "interrupted: waiting") {
			t.Errorf("%v: stderr does not tell what goes on:\n%s", signal, &stderr)
		}
		for _, want := range []string{"interrupted", "TOTAL THROUGHPUT", "VERIFIED", "2 sentinels"} {
			if !strings.Contains(stdout.String(), want) {
				t.Errorf("%v: stdout lacks %q:\n%s", signal, want, &stdout)
			}
		}
	}
}

// The second one kills, even if no server answers any more.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	m := newMemory()
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	hang := func(_ http.ResponseWriter, number int64, _ func() []message) bool {
		if number > 300 {
			once.Do(func() { close(reached) })
			<-release
		}
		return false
	}
	url := newReplica(t, m, hang)
	t.Cleanup(func() { close(release) })
	cmd := process(t, "-n", "1000000", url)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-reached
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	cmd.Process.Signal(os.Interrupt)
	// The second signal kills only after the client has handled the first, so
	// send it again and again.
	for {
		select {
		case <-ended:
			if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGINT {
				t.Errorf("ended with %v, want by the signal\n%s", cmd.ProcessState, &stderr)
			}
			return
		case <-time.After(50 * time.Millisecond):
			cmd.Process.Signal(os.Interrupt)
		}
	}
}
