package labtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"dummymessenger/internal/lab/browser"
)

// one is held by the test that has a browser: a small machine is too slow for several
// of them beside other tests.
var one sync.Mutex

// Browser starts a browser for a test and its subtests, when no other test of
// the package has one.
func Browser(t *testing.T) *browser.Browser {
	t.Helper()
	one.Lock()
	t.Cleanup(one.Unlock)
	b, err := browser.Start(context.Background()) // it is still there for the picture of a failure
	if errors.Is(err, browser.ErrMissing) {
		Missing(t, "Chromium", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// Page opens a page until the end of the test. If the test fails, a picture of
// the page is among its artifacts (go test -artifacts), and what the browser
// complained of in its log.
func Page(t *testing.T, b *browser.Browser, name, url string, v browser.View) *browser.Page {
	t.Helper()
	p, err := b.Open(url, v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, complaint := range p.Complaints() {
				t.Logf("%s: %s", name, complaint)
			}
			Picture(t, p, name)
		}
		p.Close()
	})
	return p
}

// Picture puts a picture of the page among the test's artifacts.
func Picture(t *testing.T, p *browser.Page, name string) {
	t.Helper()
	png, err := p.Screenshot()
	if err == nil {
		err = os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), png, 0o644)
	}
	if err != nil {
		t.Errorf("no picture of %s: %v", name, err)
	}
}
