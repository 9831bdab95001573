package terminal

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/report"
	"dummymessenger/internal/report/lang"
)

const interruptedText = "interrupted: waiting for the requests under way; ^C again quits without a report"

// ShowProgress shows how the run goes on until stop is called: in a few lines
// that are drawn again and again if w is a terminal that can do that, or else, or
// if plain is set, in one line a second. Lines written to above stay above it.
func ShowProgress(
	ctx context.Context, w io.Writer, test *loadtest.Test, cfg loadtest.Config, l lang.Lang, plain bool,
) (stop func(), above io.Writer) {
	if !plain && canRedraw(w) {
		return redraw(ctx, w, test, cfg, Style(w, l))
	}
	start, last := time.Now(), int64(0)
	show := func(now time.Time) {
		live := snapshot(test, report.Live{Elapsed: now.Sub(start)})
		fmt.Fprintln(w, live.Progress(last, l))
		last = live.OK
	}
	return watch(ctx, time.Second, show, func() { fmt.Fprintln(w, l.Say(interruptedText)) }), w
}

// snapshot adds the state of the run to live.
func snapshot(test *loadtest.Test, live report.Live) report.Live {
	live.Snapshot = test.Figures().Snapshot()
	if v := test.Verifier(); v != nil {
		checks := v.Live()
		live.Checks = &checks
	}
	return live
}

// frameTime is the time between two frames of the live view.
const frameTime = 100 * time.Millisecond

func redraw(
	ctx context.Context, w io.Writer, test *loadtest.Test, cfg loadtest.Config, style report.Style,
) (stop func(), above io.Writer) {
	v := &view{test: test, fixed: report.Live{Planned: int64(cfg.Requests), URLs: cfg.URLs}, start: time.Now()}
	if cfg.Duration > 0 && cfg.Requests == 0 {
		v.fixed.Limit = cfg.Warmup + cfg.Duration
	}
	v.update(v.start, false)

	lines := mpb.New(mpb.WithOutput(w), mpb.WithRefreshRate(frameTime))
	var bars []*mpb.Bar
	for i := range report.LiveLines(len(cfg.URLs)) {
		line := func(w io.Writer, s decor.Statistics) error {
			_, err := io.WriteString(w, v.latest.Load().Lines(s.AvailableWidth, style)[i])
			return err
		}
		if bar, err := lines.Add(1, mpb.BarFillerFunc(line), mpb.BarFillerTrim()); err == nil {
			bars = append(bars, bar)
		}
	}
	stopWatch := watch(ctx, frameTime, func(now time.Time) { v.update(now, false) }, func() {
		fmt.Fprintln(lines, "\r"+style.Lang.Say(interruptedText)) // the terminal has written ^C
	})
	return func() {
		stopWatch()
		v.update(time.Now(), true)
		for _, bar := range bars {
			bar.SetTotal(-1, true)
		}
		lines.Wait()
		fmt.Fprintln(w) // the result comes below
	}, lines
}

// A view collects the state of a run, once for each frame.
type view struct {
	test  *loadtest.Test
	fixed report.Live // what does not change
	start time.Time

	last   time.Time
	lastOK int64
	rates  []int64
	latest atomic.Pointer[report.Live]
}

// maxRates is more than a terminal is wide.
const maxRates = 500

func (v *view) update(now time.Time, over bool) {
	live := snapshot(v.test, v.fixed)
	live.Elapsed, live.Over, live.InFlight = now.Sub(v.start), over, v.test.InFlight()
	live.P50, live.P99 = v.test.Figures().Waits()
	if since := now.Sub(v.last); !v.last.IsZero() && since >= frameTime/2 {
		v.rates = append(v.rates, int64(float64(live.OK-v.lastOK)/since.Seconds()))
		v.rates = v.rates[max(0, len(v.rates)-maxRates):]
	}
	v.last, v.lastOK = now, live.OK
	live.Rates = append([]int64(nil), v.rates...)
	v.latest.Store(&live)
}

// watch calls show every so often until the function it returns is called, and
// interrupted when ctx ends, never two at a time.
func watch(ctx context.Context, every time.Duration, show func(now time.Time), interrupted func()) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		ended := ctx.Done()
		for {
			select {
			case <-done:
				return
			case <-ended:
				ended = nil // once
				interrupted()
			case now := <-ticker.C:
				show(now)
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}
