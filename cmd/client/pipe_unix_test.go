//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Annotations from a pipe are read once; from a file, after the run.
func TestAnnotationsRead(t *testing.T) {
	t.Parallel()
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
		got := client(t.Context(), "-q", "-n", "200", "--html", html, "--annotate", annotations, replica)
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(html)
		if err != nil || got.status != exitVerified || !strings.Contains(string(page), "zonk") {
			t.Errorf("%s: status %d, %v, annotated: %t\n%s",
				annotations, got.status, err, strings.Contains(string(page), "zonk"), got.stderr)
		}
	}
}

// The reader of stdout or stderr may close it, as with client | head: the run
// ends normally, its files are complete, and the exit status reports a lost result.
func TestReaderGone(t *testing.T) {
	t.Parallel()
	for _, gone := range []string{"stdout", "stderr"} {
		t.Run(gone, func(t *testing.T) {
			t.Parallel()
			reader, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			reader.Close()
			history, result := filepath.Join(t.TempDir(), "history"), filepath.Join(t.TempDir(), "result")
			cmd := process(t, "--duration", "1500ms", "--history", history, "--json", result, newReplica(t, newMemory(), nil))
			var other bytes.Buffer
			want, message := exitVerified, "VERIFIED"
			if cmd.Stdout, cmd.Stderr = io.Writer(&other), io.Writer(writer); gone == "stdout" {
				cmd.Stdout, cmd.Stderr = writer, &other
				want, message = exitCannotWrite, "client: stdout: "
			}
			_ = cmd.Run() // the status tells
			writer.Close()
			if status := cmd.ProcessState.ExitCode(); status != want || !strings.Contains(other.String(), message) {
				t.Errorf("status %d, want %d and %q\n%s", status, want, message, &other)
			}
			if data, err := os.ReadFile(result); err != nil || !json.Valid(data) {
				t.Errorf("the result is not whole: %v\n%s", err, data)
			}
			got := client(t.Context(), "verify", history)
			if got.status != exitVerified || strings.Contains(got.stdout, "cut off") {
				t.Errorf("verify = %d, want a whole history\n%s%s", got.status, got.stdout, got.stderr)
			}
		})
	}
}

// Outputs may be named pipes. The client waits for a reader of each before it
// begins, and ^C ends that wait. Each reader gets the whole output. If a reader
// leaves, the client reports an error and still writes the other outputs.
func TestOutputPipes(t *testing.T) {
	history, err := os.ReadFile(filepath.Join(recorded(t), "h"))
	if err != nil {
		t.Fatal(err)
	}
	var left atomic.Pointer[chan struct{}] // the reader who leaves; nil: it stays
	wait := func() {
		if c := left.Load(); c != nil {
			<-*c
		}
	}
	replica := newReplica(t, newMemory(), func(http.ResponseWriter, int64, func() []message) bool {
		wait()
		return false
	})
	fifo, in := filepath.Join(t.TempDir(), "fifo"), filepath.Join(t.TempDir(), "in")
	for _, name := range []string{fifo, in} {
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"-q", "-n", "200", "--json", fifo, replica}, {"-q", "-n", "200", "--html", fifo, replica},
		{"-q", "-n", "200", "--history", fifo, replica}, {"-q", "-n", "200", "--cpuprofile", fifo, replica},
		{"verify", "--json", fifo, in}, {"report", "-o", fifo, in},
	} {
		args = append(args, "--lang", "en")
		var stdout, stderr bytes.Buffer
		work := func(ctx context.Context, read func(io.Reader)) (status int) {
			stdout.Reset()
			stderr.Reset()
			var wg sync.WaitGroup
			defer wg.Wait()
			if read != nil {
				wg.Go(func() {
					f, err := os.Open(fifo)
					if err != nil {
						t.Error(err)
						return
					}
					read(f)
					f.Close()
					if c := left.Load(); c != nil {
						close(*c)
					}
				})
				if args[0] != "-q" {
					wg.Go(func() {
						wait()
						if err := os.WriteFile(in, history, 0o600); err != nil {
							t.Error(err)
						}
					})
				}
			}
			return run(ctx, args, &stdout, &stderr)
		}

		left.Store(nil)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		status := work(ctx, nil)
		cancel()
		if status != exitCannotWrite || !strings.Contains(stderr.String(), "nobody reads") {
			t.Errorf("client %q without a reader = %d, want %d\n%s", args, status, exitCannotWrite, &stderr)
		}
		var got []byte
		if status := work(t.Context(), func(r io.Reader) { got, _ = io.ReadAll(r) }); status != exitVerified || len(got) < 100 {
			t.Errorf("client %q with a reader = %d, who got %d bytes\n%s", args, status, len(got), &stderr)
		}
		c := make(chan struct{})
		left.Store(&c)
		status = work(t.Context(), func(io.Reader) {})
		if status != exitCannotWrite || !strings.Contains(stderr.String(), "broken pipe") ||
			args[0] != "report" && !strings.Contains(stdout.String(), "VERIFIED") {
			t.Errorf("client %q with a reader who leaves = %d, want %d, the verdict and the error\n%s%s", args, status, exitCannotWrite,
				&stdout, &stderr)
		}
	}
}
