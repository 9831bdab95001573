package terminal

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

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
	if f := of(w); f != nil && !plain && hasSize(f) {
		return redraw(ctx, f, test, cfg, Style(w, l))
	}
	start, last := time.Now(), int64(0)
	show := func(now time.Time) {
		live := snapshot(test, report.Live{Elapsed: now.Sub(start)})
		fmt.Fprintln(w, live.Progress(last, l))
		last = live.OK
	}
	return watch(ctx, time.Second, show, func() { fmt.Fprintln(w, l.Say(interruptedText)) }), w
}

// ShowInterrupted says on w when ctx ends, until stop is called, that the end is being
// waited for.
func ShowInterrupted(ctx context.Context, w io.Writer, l lang.Lang) (stop func()) {
	return watch(ctx, time.Hour, func(time.Time) {}, func() { fmt.Fprintln(w, l.Say(interruptedText)) })
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

func redraw(ctx context.Context, f *os.File, test *loadtest.Test, cfg loadtest.Config, style report.Style) (stop func(), above io.Writer) {
	v := &view{
		terminal: f, style: style, test: test,
		fixed: report.Live{Planned: int64(cfg.Requests), URLs: cfg.URLs, Warmup: cfg.Warmup}, start: time.Now(),
	}
	if cfg.Duration > 0 && cfg.Requests == 0 {
		v.fixed.Limit = cfg.Warmup + cfg.Duration
	}
	v.update(v.start, false)
	stopWatch := watch(ctx, frameTime, func(now time.Time) { v.update(now, false) }, func() {
		fmt.Fprintln(v, style.Lang.Say(interruptedText))
	})
	return func() {
		stopWatch()
		v.update(time.Now(), true)
		fmt.Fprintln(f) // the result comes below
	}, v
}

// A view is the state of a run, in lines that are drawn again and again in place.
// Lines written to it come to stand above.
type view struct {
	terminal *os.File
	style    report.Style
	test     *loadtest.Test
	fixed    report.Live // what does not change
	start    time.Time

	mu     sync.Mutex
	live   report.Live // as the latest frame shows it
	last   time.Time
	lastOK int64
	ended  time.Duration // when the load had ended; 0 before
	rates  []int64
	drawn  []int // columns of the lines that are there; the cursor is below them
}

// maxRates is more than a terminal is wide.
const maxRates = 500

// update draws the state of now.
func (v *view) update(now time.Time, over bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	live := snapshot(v.test, v.fixed)
	live.Elapsed, live.Over, live.InFlight, live.Settling = now.Sub(v.start), over, v.test.InFlight(), v.test.Settling()
	if live.Settling {
		v.ended = cmp.Or(v.ended, live.Elapsed)
		live.Elapsed = v.ended
	}
	live.P50, live.P99 = v.test.Figures().Waits()
	if since := now.Sub(v.last); !v.last.IsZero() && since >= frameTime/2 && !live.Settling {
		v.rates = append(v.rates, int64(float64(live.OK-v.lastOK)/since.Seconds()))
		v.rates = v.rates[max(0, len(v.rates)-maxRates):]
	}
	v.last, v.lastOK = now, live.OK
	live.Rates = v.rates
	v.live = live
	v.draw("")
}

// Write writes whole lines.
func (v *view) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.draw(string(p))
	return len(p), nil
}

var colour = regexp.MustCompile("\x1b\\[[0-9]*m")

// draw replaces the lines that are there by above and the live view. It erases line
// by line (ECMA-48, EL): some terminals save a screen that is erased from its first
// row on, and a frame would stay behind each time. A terminal that has become
// narrower is taken to have folded what was wider, as most do.
func (v *view) draw(above string) {
	width, height, err := term.GetSize(int(v.terminal.Fd()))
	if err != nil || width < 1 || height < 2 {
		_, _ = io.WriteString(v.terminal, above) // the view waits until there is room
		return
	}
	rows := 0
	for _, columns := range v.drawn {
		rows += max(1, (columns+width-1)/width)
	}
	rows = min(rows, height-1)

	var b strings.Builder
	up := func(rows int) {
		b.WriteString("\r")
		if rows > 0 {
			fmt.Fprintf(&b, "\x1b[%dA", rows)
		}
	}
	up(rows)
	if above != "" {
		b.WriteString(strings.Repeat("\x1b[K\n", rows))
		up(rows)
		b.WriteString(above)
		rows = 0
	}
	v.drawn = v.drawn[:0]
	for _, line := range v.live.Lines(width-1, height-1, v.style) { // the last column would fold
		b.WriteString(line + "\x1b[K\n")
		v.drawn = append(v.drawn, runewidth.StringWidth(colour.ReplaceAllString(line, "")))
	}
	if left := rows - len(v.drawn); left > 0 {
		b.WriteString(strings.Repeat("\x1b[K\n", left))
		up(left)
	}
	b.WriteString("\x1b[K") // what the terminal has echoed, such as ^C
	_, _ = io.WriteString(v.terminal, b.String())
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
