//go:build unix

package lab_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dummymessenger/internal/lab"
)

// TestMain makes the test binary a parent too, which starts a child, prints
// its pid and waits to be killed.
func TestMain(m *testing.M) {
	if os.Getenv("PROCESS_TEST_PARENT") == "" {
		os.Exit(m.Run())
	}
	child, err := lab.Start(exec.Command("sleep", "60"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(child.Pid())
	child.Wait()
}

func TestChildDiesWithParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux promises it")
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "PROCESS_TEST_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent said %q", line)
	}
	parent.Process.Kill()
	parent.Wait()
	for deadline := time.Now().Add(10 * time.Second); !gone(child); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			syscall.Kill(child, syscall.SIGKILL)
			t.Fatal("the child outlived its parent")
		}
	}
}

// gone reports whether pid has ended, even if it has not been reaped.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

type closer func() error

func (c closer) Close() error { return c() }

// Files are closed before Done, so a caller that waits for the end may remove them.
func TestFilesAreClosedBeforeTheEnd(t *testing.T) {
	closing, closed := make(chan struct{}), make(chan struct{})
	p, err := lab.Start(exec.Command("true"), closer(func() error {
		close(closing)
		<-closed
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	<-closing
	select {
	case <-p.Done():
		t.Error("it is done while a file is open")
	default:
	}
	close(closed)
	if err := p.Wait(); err != nil {
		t.Error(err)
	}

	open := true
	if _, err := lab.Start(exec.Command("/none"), closer(func() error { open = false; return nil })); err == nil || open {
		t.Errorf("Start of no program = %v, its file is open: %v; want an error, and the file closed", err, open)
	}
}

func TestStop(t *testing.T) {
	start := func(script string) *lab.Process {
		cmd := exec.Command("sh", "-c", script)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		p, err := lab.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		bufio.NewReader(out).ReadString('\n') // its trap is set
		return p
	}

	polite := start("trap 'exit 7' TERM; echo; while :; do sleep 0.01; done")
	err := polite.Stop(syscall.SIGTERM, time.Minute)
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 7 {
		t.Errorf("Stop of a program that exits with 7 on SIGTERM = %v", err)
	}
	if err := polite.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("Signal after the end = %v, want nil", err)
	}

	deaf := start("trap '' TERM; echo; while :; do sleep 0.01; done")
	err = deaf.Stop(syscall.SIGTERM, 50*time.Millisecond)
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("Stop of a program that ignores SIGTERM = %v, want it killed", err)
	}
}
