package program

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A reader is what a LogWriter writes to. It reads nothing while it is locked, and
// fails while full.
type reader struct {
	sync.Mutex
	got  bytes.Buffer
	room int // bytes it has room for before it fails; negative: any number
}

func (r *reader) Write(p []byte) (int, error) {
	r.Lock()
	defer r.Unlock()
	if r.room >= 0 && len(p) > r.room {
		r.got.Write(p[:r.room])
		n := r.room
		r.room = 0
		return n, errors.New("no space left on device")
	}
	if r.room >= 0 {
		r.room -= len(p)
	}
	return r.got.Write(p)
}

func (r *reader) String() string {
	r.Lock()
	defer r.Unlock()
	return r.got.String()
}

// While nothing reads the log, callers do not wait and memory is bounded. Later the
// number of lost lines is logged.
func TestWriterWithoutAReader(t *testing.T) {
	r := &reader{room: -1}
	told := make(chan int, 10)
	w := NewLogWriter(r, func(lines int) { told <- lines })
	r.Lock()
	const lines = 100_000
	line := []byte(strings.Repeat("x", 99) + "\n")
	for range lines {
		w.Write(line)
	}
	w.mu.Lock()
	if n := cap(w.pending); n > 4*maxPending {
		t.Errorf("%d bytes wait, want about %d at most", n, maxPending)
	}
	w.mu.Unlock()
	r.Unlock()
	lost := <-told
	w.Write([]byte("last\n"))
	w.Close(time.Minute)
	got := r.String()
	if n := strings.Count(got, "\n"); n+lost != lines+1 || !strings.HasSuffix(got, "\nlast\n") {
		t.Errorf("%d lines were written and %d told as lost, want %d in all; they end in %q", n, lost, lines+1, got[len(got)-10:])
	}
}

func TestCloseWaitsForNoReader(t *testing.T) {
	r := &reader{room: -1}
	r.Lock()
	defer r.Unlock()
	w := NewLogWriter(r, func(int) {})
	fmt.Fprintln(w, "nobody reads this")
	w.Close(time.Millisecond)
	w.Close(time.Millisecond) // again
	fmt.Fprintln(w, "nor this")
}

func TestCloseWritesAll(t *testing.T) {
	r := &reader{room: -1}
	w := NewLogWriter(r, func(int) {})
	for i := range 1000 {
		fmt.Fprintln(w, i)
	}
	w.Close(time.Minute)
	if got := r.String(); strings.Count(got, "\n") != 1000 || !strings.HasSuffix(got, "\n999\n") {
		t.Errorf("%d of 1000 lines were written", strings.Count(got, "\n"))
	}
}

// A disk is full in the middle of a line, and then has room again.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{room: 5}
		var lost int
		w := NewLogWriter(r, func(lines int) { lost += lines })
		say := func(line string) {
			io.WriteString(w, line+"\n")
			synctest.Wait()
		}
		say("one")
		say("two")
		say("three")
		r.room = -1
		say("four")
		say("five")
		w.Close(time.Minute)
		if got, want := r.String(), "one\nt\nfour\nfive\n"; got != want || lost != 2 {
			t.Errorf("written %q, lost %d, want %q and 2", got, lost, want)
		}
	})
}

var times = regexp.MustCompile(`time=\S+ `)

func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reader{room: -1}
		limiter := NewLogLimiter(slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug}))
		logger := slog.New(limiter)
		check := func(what, want string) {
			t.Helper()
			synctest.Wait()
			r.Lock()
			defer r.Unlock()
			if got := times.ReplaceAllString(r.got.String(), ""); got != want {
				t.Errorf("%s: logged\n%s, want\n%s", what, got, want)
			}
			r.got.Reset()
		}
		for i := range 1000 {
			logger.Warn("failed", "status", 503, "from", i)
		}
		logger.Warn("failed", "status", 504)
		logger.Error("failed", "status", 503)
		check("a flood", "level=WARN msg=failed status=503 from=0\nlevel=WARN msg=failed status=504\nlevel=ERROR msg=failed status=503\n")
		time.Sleep(period + time.Millisecond)
		check("after a period", "level=WARN msg=failed status=503 from=999 more=999 in=10s\n")
		logger.With("a", 1).Warn("failed", "status", 503)
		check("a steady flood", "")
		time.Sleep(period + time.Millisecond)
		check("after another", "level=WARN msg=failed a=1 status=503 more=1 in=10s\n")
		time.Sleep(period + time.Millisecond)
		logger.Warn("failed", "status", 503)
		check("after a quiet period", "level=WARN msg=failed status=503\n")

		for range 2 {
			logger.Debug("asked for")
		}
		check("debug", strings.Repeat("level=DEBUG msg=\"asked for\"\n", 2))
		for i := range 1000 {
			logger.Info(fmt.Sprint(i))
		}
		synctest.Wait()
		if n := strings.Count(r.String(), "\n"); n > maxKeys {
			t.Errorf("%d lines with messages of 1000 kinds, want %d at most", n, maxKeys)
		}
		r.got.Reset()
		limiter.Flush()
		check("flushed", "level=INFO msg=999 more=900 in=10s\n")
		time.Sleep(2 * period)
	})
}
