package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The search ends beside the rate from which on the limit is not kept, and tries few.
func TestSearch(t *testing.T) {
	for _, edge := range []float64{0.5, 1.5, 30, 199, 200, 201, 777, 12_345, 99_000, 1e9} {
		good, bad, tries := 0.0, 1e12, 0
		err := search(firstRate, 100_000, func(rate float64) (bool, error) {
			tries++
			if rate < edge {
				good = max(good, rate)
			} else {
				bad = min(bad, rate)
			}
			return rate < edge, nil
		})
		if err != nil || tries > 25 {
			t.Errorf("an edge at %g: %d tries, %v", edge, tries, err)
		}
		switch {
		case edge < leastRate:
			if good != 0 || bad != leastRate {
				t.Errorf("an edge at %g: kept up to %g, not from %g", edge, good, bad)
			}
		case edge > 100_000:
			if good != 100_000 {
				t.Errorf("an edge at %g: kept up to %g", edge, good)
			}
		case good >= edge || bad < edge || bad/good > closeEnough:
			t.Errorf("an edge at %g: kept up to %g, not from %g", edge, good, bad)
		}
	}
	broken := errors.New("broken")
	if err := search(firstRate, 1000, func(float64) (bool, error) { return false, broken }); err != broken {
		t.Errorf("search = %v, want the error of a try", err)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	url, dir := newReplica(t, newMemory(), nil), t.TempDir()
	page, result := filepath.Join(dir, "find.html"), filepath.Join(dir, "find.json")
	var found struct {
		Steps []struct {
			Rate    float64
			Verdict string
		}
	}
	var got outcome
	for range 3 { // a machine that stands still for a moment sends some too late
		got = client(t.Context(), "find", "--lang", "en", "p50<10s", url, "-c", "50", "--step", "1s", "--warmup", "50ms",
			"--max-rate", "400", "--html", page, "--json", result)
		data, err := os.ReadFile(result)
		if err != nil || json.Unmarshal(data, &found) != nil {
			t.Fatalf("the result is %s, %v\n%s", data, err, got.stderr)
		}
		if got.status == exitVerified && len(found.Steps) == 2 {
			break
		}
	}
	if got.status != exitVerified || !strings.Contains(got.stdout, "400 requests/s, verified, p50 ") ||
		!strings.Contains(got.stdout, "no higher rate was tried") || len(found.Steps) != 2 || found.Steps[1].Rate != 400 ||
		found.Steps[1].Verdict != "verified" {
		t.Errorf("find = %d, %v\n%s%s", got.status, found, got.stdout, got.stderr)
	}
	if html, err := os.ReadFile(page); err != nil || strings.Count(string(html), "<circle") != len(found.Steps) {
		t.Errorf("the page shows other steps, %v", err)
	}

	got = client(t.Context(), "find", "--lang", "en", "max<1ns", url, "-c", "50", "--step", "50ms", "--warmup", "0s")
	if got.status != exitFailed || !strings.Contains(got.stdout, "no rate keeps max<1ns: at 1 requests/s") {
		t.Errorf("find = %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	for _, args := range [][]string{
		{"find", "p99<0ms"}, {"find", "p99<-200ms"}, {"find", "p99<5ms", "127.0.0.1:99999"}, {"find", "p99<5ms", "http://127.0.0.1:99999"},
		{"find"}, {"find", "fast"}, {"find", "throughput>5"}, {"find", "p99>5ms"}, {"find", "p99<5ms", "--max-rate", "1"},
	} {
		if got := client(t.Context(), args...); got.status != exitUsage {
			t.Errorf("%q = %d\n%s", args, got.status, got.stderr)
		}
	}
	if got := client(t.Context(), "find", "--lang", "en", "p99<5ms", closedURL(t)); got.status != exitFailed ||
		!strings.Contains(got.stderr, "is it running?") {
		t.Errorf("find without a server = %d\n%s", got.status, got.stderr)
	}
}

// A percentile that lower ones decide is decided, and no rate is listed twice.
func TestFindRates(t *testing.T) {
	t.Parallel()
	got := client(t.Context(), "find", "--lang", "en", "p99<1us", newReplica(t, newMemory(), nil), "-c", "50", "--step", "50ms", "--warmup", "0s")
	if got.status != exitFailed || !strings.Contains(got.stdout, "no rate keeps p99<1us") || !strings.Contains(got.stderr, "it was at least ") ||
		strings.Contains(got.stderr, "too few") {
		t.Errorf("find = %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	rates := map[string]bool{}
	for line := range strings.Lines(got.stderr) {
		if rate := strings.Fields(line)[0]; rates[rate] {
			t.Errorf("%s is listed twice\n%s", rate, got.stderr)
		} else {
			rates[rate] = true
		}
	}
}

// A search does not go on where lower rates are hopeless, and says why.
func TestFindStops(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	mute := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silent }))
	locked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(func() {
		close(silent)
		mute.Close()
		locked.Close()
	})
	for _, tt := range []struct {
		url    string
		status int
		want   string
	}{
		{mute.URL, exitFailed, "stopped at 200 requests/s: no request was answered (timeout)"},
		{locked.URL, exitFailed, "stopped at 200 requests/s: none of the first answers could be read (status 401)"},
		{newReplica(t, newMemory(), nil), exitInconclusive, "stopped at 200 requests/s: p99<10s: too few answers to tell"},
	} {
		got := client(t.Context(), "find", "--lang", "en", "p99<10s", tt.url, "-c", "20", "--step", "20ms", "--warmup", "0s", "--timeout", "300ms")
		if got.status != tt.status || !strings.Contains(got.stdout, tt.want) || strings.Count(got.stderr, "\n") != 2 {
			t.Errorf("find = %d, want %d and %q\n%s%s", got.status, tt.status, tt.want, got.stdout, got.stderr)
		}
	}
}

// An interrupted search says so, and what was found until then.
func TestFindInterrupted(t *testing.T) {
	t.Parallel()
	for after, want := range map[int64]string{
		30:  "interrupted before the first rate was tried",
		250: "interrupted; so far: 200 requests/s, ",
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		url := newReplica(t, newMemory(), func(_ http.ResponseWriter, number int64, _ func() []message) bool {
			if number == after {
				interrupt()
			}
			return false
		})
		got := client(ctx, "find", "--lang", "en", "mean<10s", url, "-c", "50", "--step", "1s", "--warmup", "0s")
		interrupt()
		if got.status != exitInterrupted || !strings.Contains(got.stdout, want) {
			t.Errorf("find = %d, want %q\n%s%s", got.status, want, got.stdout, got.stderr)
		}
	}
}
