//go:build unix

package program_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"dummymessenger/internal/program"
)

// TestMain makes the test binary a program that ends like ours: it says that it runs,
// waits for a signal, writes to both outputs, goes on until its input ends, and exits
// with 7.
func TestMain(m *testing.M) {
	if os.Getenv("PROGRAM_TEST_CHILD") == "" {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // or children would ignore it where we were started so, as by nohup
		os.Exit(m.Run())
	}
	ctx, stop := program.Context()
	context.AfterFunc(ctx, stop)
	if signal.Ignored(syscall.SIGHUP) {
		fmt.Println("ignores SIGHUP")
	} else {
		fmt.Println("runs")
	}
	<-ctx.Done()
	fmt.Println("ends")
	fmt.Fprintln(os.Stderr, "ends")
	io.Copy(io.Discard, os.Stdin)
	os.Exit(7)
}

type child struct {
	*exec.Cmd
	t      *testing.T
	stdin  io.WriteCloser
	stdout *bufio.Reader
	pipes  []io.Closer // of its outputs
}

func start(t *testing.T, args ...string) *child {
	t.Helper()
	p := &child{Cmd: exec.Command(args[0], args[1:]...), t: t}
	p.Env = append(os.Environ(), "PROGRAM_TEST_CHILD=1")
	var err error
	if p.stdin, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdout, p.pipes = bufio.NewReader(stdout), []io.Closer{stdout, stderr}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.ProcessState == nil {
			p.Process.Kill()
			p.Wait()
		}
	})
	return p
}

func (p *child) mustSay(want string) {
	p.t.Helper()
	if got, err := p.stdout.ReadString('\n'); err != nil || got != want+"\n" {
		p.t.Fatalf("it said %q, %v, want %q", got, err, want)
	}
}

func (p *child) mustExit() {
	p.t.Helper()
	p.stdin.Close()
	err := p.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 7 {
		p.t.Errorf("it ended with %v, want exit status 7, its own", err)
	}
}

func (p *child) signal(sig os.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

func TestEachSignalEndsInOrder(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		p := start(t, os.Args[0])
		p.mustSay("runs")
		p.signal(sig)
		p.mustSay("ends")
		p.mustExit()
	}
}

// A closed terminal sends SIGHUP more than once, and the outputs can no longer be written.
func TestHangUp(t *testing.T) {
	p := start(t, os.Args[0])
	p.mustSay("runs")
	p.signal(syscall.SIGHUP)
	p.mustSay("ends")
	for range 3 {
		p.signal(syscall.SIGHUP)
	}
	p.mustExit()
}

func TestSecondSignalKills(t *testing.T) {
	p := start(t, os.Args[0])
	p.mustSay("runs")
	p.signal(syscall.SIGTERM)
	p.mustSay("ends")
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	for { // the program has said that it ends, and perhaps not yet let the next signal through
		p.Process.Signal(os.Interrupt)
		select {
		case err := <-ended:
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT {
				t.Errorf("it ended with %v, want by the second signal", err)
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestClosedPipesEndNothing(t *testing.T) {
	p := start(t, os.Args[0])
	p.mustSay("runs")
	for _, pipe := range p.pipes {
		pipe.Close()
	}
	p.signal(syscall.SIGTERM)
	p.mustExit()
}

func TestNohup(t *testing.T) {
	p := start(t, "sh", "-c", `trap "" HUP; exec "$0"`, os.Args[0])
	p.mustSay("ignores SIGHUP")
	p.signal(syscall.SIGHUP)
	p.signal(syscall.SIGTERM)
	p.mustSay("ends")
	p.mustExit()
}
