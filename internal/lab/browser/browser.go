// Package browser drives a headless Chromium as the person before it would.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
)

// ErrMissing is what Start returns where no Chromium is installed.
var ErrMissing = errors.New("there is no Chromium; install the package chromium")

// patience bounds every step, so that a browser that hangs becomes an error.
const patience = 90 * time.Second

// A Browser is a running Chromium with a profile of its own, which is deleted
// when it is closed. Its methods may be called from any number of goroutines.
type Browser struct {
	ctx   context.Context // chromedp's handle of the browser; it lives as long
	close func()
}

// Start starts a browser, which runs until Close or the end of ctx.
func Start(ctx context.Context) (*Browser, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	// As root, chromedp adds --no-sandbox by itself: Chromium needs it there.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.DisableGPU,
		chromedp.Flag("hide-scrollbars", false), // they are part of what is looked at
		chromedp.WSURLReadTimeout(patience),
	)
	allocating, free := chromedp.NewExecAllocator(ctx, options...)
	handle, cancel := chromedp.NewContext(allocating)
	b := &Browser{ctx: handle, close: func() { cancel(); free() }}
	if err := chromedp.Do(handle); err != nil { // starts it
		b.Close()
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	return b, nil
}

// Close ends the browser with all of its pages.
func (b *Browser) Close() { b.close() }

func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} { // Debian's, other Linuxes', Google's
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}
