//go:build unix

package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Annotations from a pipe are read once; from a file, after the run.
func TestAnnotationsRead(t *testing.T) {
	dir := t.TempDir()
	fifo, file := filepath.Join(dir, "fifo"), filepath.Join(dir, "file")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	const line = `{"from":0,"to":1,"label":"zonk"}` + "\n"
	for _, annotations := range []string{fifo, file} {
		written := make(chan error, 1)
		m := newMemory()
		replica := newReplica(t, m, nil)
		if annotations == fifo {
			go func() { written <- os.WriteFile(fifo, []byte(line), 0o600) }()
		} else {
			write := m.clock
			m.clock = func() (now time.Time) { // during the run
				if len(m.log) == 100 {
					written <- os.WriteFile(file, []byte(line), 0o600)
				}
				return write()
			}
		}
		html := filepath.Join(dir, "html")
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), []string{"-q", "-n", "200", "--html", html, "--annotate", annotations, replica}, &stdout, &stderr)
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(html)
		if err != nil || status != exitVerified || !strings.Contains(string(page), "zonk") {
			t.Errorf("%s: status %d, %v, annotated: %t\n%s", annotations, status, err, strings.Contains(string(page), "zonk"), &stderr)
		}
	}
}

// Whoever reads stdout or stderr may go: the run ends as it would have, its
// files are whole, and a lost result is told.
func TestReaderGone(t *testing.T) {
	for _, gone := range []string{"stdout", "stderr"} {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		reader.Close()
		history := filepath.Join(t.TempDir(), "history")
		cmd := exec.CommandContext(t.Context(), os.Args[0], "--duration", "1500ms", "--history", history, newReplica(t, newMemory(), nil))
		cmd.Env = append(os.Environ(), asClient+"=1")
		var other bytes.Buffer
		want, told := exitVerified, "VERIFIED"
		if cmd.Stdout, cmd.Stderr = io.Writer(&other), io.Writer(writer); gone == "stdout" {
			cmd.Stdout, cmd.Stderr = writer, &other
			want, told = exitCannotWrite, "client: stdout: "
		}
		_ = cmd.Run() // the status tells
		writer.Close()
		if status := cmd.ProcessState.ExitCode(); status != want || !strings.Contains(other.String(), told) {
			t.Errorf("%s gone: status %d, want %d and %q\n%s", gone, status, want, told, &other)
		}
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), []string{"verify", history}, &stdout, &stderr)
		if status != exitVerified || strings.Contains(stdout.String(), "cut off") {
			t.Errorf("%s gone: verify = %d, want a whole history\n%s%s", gone, status, &stdout, &stderr)
		}
	}
}

// Outputs may be named pipes: each has a reader before the run begins, which
// gets all of it; a reader who leaves is an error that costs nothing else; and
// ^C ends the wait for one.
func TestOutputPipes(t *testing.T) {
	dir := recorded(t)
	replica := newReplica(t, newMemory(), nil)
	for _, args := range [][]string{
		{"-q", "-n", "200", replica, "--json"}, {"-q", "-n", "200", replica, "--html"}, {"-q", "-n", "200", replica, "--history"},
		{"-q", "-n", "200", replica, "--cpuprofile"},
		{"verify", filepath.Join(dir, "h"), "--json"}, {"report", filepath.Join(dir, "h"), "-o"},
	} {
		fifo := filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, fifo, "--lang", "en")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		var stdout, stderr bytes.Buffer
		status := run(ctx, args, &stdout, &stderr)
		cancel()
		if status != exitCannotWrite || !strings.Contains(stderr.String(), "nobody reads") {
			t.Errorf("client %q without a reader = %d, want %d\n%s", args, status, exitCannotWrite, &stderr)
		}

		got := make(chan string, 1)
		go func() {
			data, _ := os.ReadFile(fifo)
			got <- string(data)
		}()
		if status := run(t.Context(), args, &stdout, &stderr); status != exitVerified {
			t.Errorf("client %q with a reader = %d\n%s", args, status, &stderr)
		}
		if data := <-got; len(data) < 100 {
			t.Errorf("client %q: the reader got %q", args, data)
		}

		closed := make(chan error, 1)
		go func() {
			f, err := os.Open(fifo)
			if err == nil {
				err = f.Close()
			}
			closed <- err
		}()
		stdout.Reset()
		stderr.Reset()
		status = run(t.Context(), args, &stdout, &stderr)
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
		if status != exitCannotWrite || !strings.Contains(stderr.String(), "broken pipe") ||
			args[0] != "report" && !strings.Contains(stdout.String(), "VERIFIED") {
			t.Errorf("client %q with a reader who leaves = %d, want %d, the verdict and the error\n%s%s", args, status, exitCannotWrite,
				&stdout, &stderr)
		}
	}
}
