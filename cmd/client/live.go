package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/report"
	"dummymessenger/internal/report/lang"
)

// frameTime is the time between two frames of the live view.
const frameTime = 100 * time.Millisecond

// ttyOf returns the terminal that w is, or nil.
func ttyOf(w io.Writer) *os.File {
	if s, ok := w.(*sink); ok {
		w = s.Writer
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		return f
	}
	return nil
}

// canRedraw reports whether w is a terminal of known size, in which lines can be
// drawn again in place.
func canRedraw(w io.Writer) bool {
	f := ttyOf(w)
	if f == nil {
		return false
	}
	width, height, err := term.GetSize(int(f.Fd()))
	return err == nil && width > 0 && height > 0
}

// styleOf returns how to write to w, by what the environment says of its terminal,
// if it is one (no-color.org; POSIX locales).
func styleOf(w io.Writer, l lang.Lang) report.Style {
	f := ttyOf(w)
	if f == nil {
		return report.Style{Lang: l}
	}
	charset := strings.ToLower(locale())
	utf8 := strings.Contains(charset, "utf-8") || strings.Contains(charset, "utf8") || runtime.GOOS == "windows"
	width, _, _ := term.GetSize(int(f.Fd())) // 0 if unknown
	return report.Style{Lang: l, Width: width, Color: os.Getenv("NO_COLOR") == "", ASCII: !utf8}
}

// startLive shows the state of the run in a few lines, drawn again and again until
// stop is called. Lines written to above stay above them.
func startLive(
	ctx context.Context, stderr io.Writer, test *loadtest.Test, plan report.Live, style report.Style,
) (stop func(), above io.Writer) {
	v := &liveView{test: test, plan: plan, start: time.Now()}
	v.update(v.start, false)

	lines := mpb.New(mpb.WithOutput(stderr), mpb.WithRefreshRate(frameTime))
	var bars []*mpb.Bar
	for i := range report.LiveLines(len(plan.URLs)) {
		line := func(w io.Writer, s decor.Statistics) error {
			_, err := io.WriteString(w, v.now.Load().Lines(s.AvailableWidth, style)[i])
			return err
		}
		bar, err := lines.Add(1, mpb.BarFillerFunc(line), mpb.BarFillerTrim())
		if err == nil {
			bars = append(bars, bar)
		}
	}
	stopWatch := startWatch(ctx, frameTime, func(now time.Time) { v.update(now, false) }, func() {
		fmt.Fprintln(lines, "\r"+style.Lang.Say(interruptedText)) // the terminal has written ^C
	})
	return func() {
		stopWatch()
		v.update(time.Now(), true)
		for _, bar := range bars {
			bar.SetTotal(-1, true)
		}
		lines.Wait()
		fmt.Fprintln(stderr) // the result comes below
	}, lines
}

// A liveView collects the state of a run, once for each frame.
type liveView struct {
	test  *loadtest.Test
	plan  report.Live // what does not change
	start time.Time

	last   time.Time
	lastOK int64
	rates  []int64
	now    atomic.Pointer[report.Live]
}

// maxRates is more than a terminal is wide.
const maxRates = 500

func (v *liveView) update(now time.Time, over bool) {
	live := v.plan
	live.Elapsed, live.Over = now.Sub(v.start), over
	live.Snapshot, live.InFlight, live.Checks = v.test.Figures().Snapshot(), v.test.InFlight(), checks(v.test)
	live.P50, live.P99 = v.test.Figures().Waits()
	if since := now.Sub(v.last); !v.last.IsZero() && since >= frameTime/2 {
		v.rates = append(v.rates, int64(float64(live.OK-v.lastOK)/since.Seconds()))
		v.rates = v.rates[max(0, len(v.rates)-maxRates):]
	}
	v.last, v.lastOK = now, live.OK
	live.Rates = append([]int64(nil), v.rates...)
	v.now.Store(&live)
}

// livePlan returns what a live view knows of a run beforehand.
func livePlan(c loadtest.Config) report.Live {
	plan := report.Live{Planned: int64(c.Requests), URLs: c.URLs}
	if c.Duration > 0 && c.Requests == 0 {
		plan.Limit = c.Warmup + c.Duration
	}
	return plan
}
