package browser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A View is what a page is looked at with. Zero values mean a desktop: 1280 ×
// 800 points at scale 1, light, English, UTC.
type View struct {
	Width, Height int     // in points
	Scale         float64 // pixels for each point
	Touch         bool    // a phone: no mouse, mobile layout
	Dark          bool
	Print         bool   // as on paper, yet in a window of this size
	NoScript      bool   // scripts of pages do not run; Eval still does
	Language      string // as in navigator.language
	Timezone      string // as in Europe/Moscow
}

// Phone is a View of the size of a common phone.
var Phone = View{Width: 390, Height: 844, Scale: 2, Touch: true}

// A Page is one open tab. One goroutine uses it at a time.
type Page struct {
	ctx   context.Context // chromedp's handle of the tab; it lives as long
	close context.CancelFunc

	mu         sync.Mutex
	complaints []string
}

// Open opens url, with cookies and storage of its own, and returns when it has
// loaded. Page.Close closes it.
func (b *Browser) Open(url string, v View) (*Page, error) {
	return openIn(b.ctx, url, v, chromedp.WithNewBrowserContext())
}

// OpenBeside is Open for one more tab of the same person, with the cookies, the
// storage and the connections of p. It is closed with p at the latest.
func (p *Page) OpenBeside(url string, v View) (*Page, error) { return openIn(p.ctx, url, v) }

func openIn(parent context.Context, url string, v View, options ...chromedp.ContextOption) (*Page, error) {
	ctx, cancel := chromedp.NewContext(parent, options...)
	p := &Page{ctx: ctx, close: cancel}
	if err := p.open(url, v); err != nil {
		p.Close()
		return nil, fmt.Errorf("open %s: %w", url, err)
	}
	return p, nil
}

func (p *Page) open(url string, v View) error {
	if err := chromedp.Do(p.ctx); err != nil { // creates the tab, for longer than a step
		return err
	}
	if err := chromedp.Listen(p.ctx, p.listen); err != nil {
		return err
	}
	// Of several pages one would have the focus, and keys be lost on the others.
	focus := call(p, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	return errors.Join(focus, p.Look(v), p.Navigate(url))
}

// Close closes the tab.
func (p *Page) Close() { p.close() }

// step runs an action of a bounded time.
func step[T any](p *Page, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, action)
}

// call sends one command of the DevTools protocol.
func call[P, R any](p *Page, command cdp.Command[P, R], params P) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.Call(ctx, command, params)
	return err
}

// Navigate goes to url and returns when it has loaded.
func (p *Page) Navigate(url string) error {
	_, err := step(p, chromedp.Navigate(url))
	return err
}

// Reload loads the page again.
func (p *Page) Reload() error {
	_, err := step(p, chromedp.Reload())
	return err
}

// Look changes what the page is looked at with. A new language shows when the
// page is loaded again.
func (p *Page) Look(v View) error {
	if v.Width == 0 {
		v.Width, v.Height = 1280, 800
	}
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	media := "screen"
	if v.Print {
		media = "print"
	}
	agent, err := Eval[string](p, "navigator.userAgent")
	language := cmp.Or(v.Language, "en")
	return errors.Join(err,
		call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: int64(v.Width), Height: int64(v.Height), DeviceScaleFactor: cmp.Or(v.Scale, 1), Mobile: v.Touch,
		}),
		call(p, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: v.Touch}),
		call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Media:    media,
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}),
		call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScript}),
		call(p, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: language}),
		call(p, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: language}),
		call(p, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: cmp.Or(v.Timezone, "UTC")}),
	)
}

// Offline takes the page's network away, open requests included, or gives it back.
func (p *Page) Offline(offline bool) error {
	return errors.Join(
		call(p, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1}},
		}),
		call(p, network.OverrideNetworkState, network.OverrideNetworkStateParams{
			Offline: offline, DownloadThroughput: -1, UploadThroughput: -1,
		}),
	)
}

// Eval is the value of a JavaScript expression in p.
func Eval[T any](p *Page, expression string) (T, error) {
	value, err := step(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		return value, fmt.Errorf("%s: %w", excerpt(expression), err)
	}
	return value, nil
}

// Wait waits until a JavaScript expression is true, also across page loads.
func (p *Page) Wait(expression string) error {
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		// In the middle of a page load there is nothing to evaluate it in.
		is, err := Eval[bool](p, "Boolean("+expression+")")
		if is {
			return nil
		}
		last = err
		if p.ctx.Err() != nil {
			break
		}
	}
	if last != nil {
		return fmt.Errorf("waiting: %w", last)
	}
	return fmt.Errorf("not true within %v: %s", patience, excerpt(expression))
}

func excerpt(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}

// Click clicks the middle of the element that a CSS selector finds first.
func (p *Page) Click(selector string) error {
	_, err := step(p, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
	if err != nil {
		return fmt.Errorf("click %s: %w", selector, err)
	}
	return nil
}

// Type puts text where the focus is, in one piece, as an input method does.
func (p *Page) Type(text string) error {
	return call(p, input.InsertText, input.InsertTextParams{Text: text})
}

// Keys that Press knows by name.
const (
	Tab       = kb.Tab
	Enter     = kb.Enter
	Escape    = kb.Escape
	End       = kb.End
	Home      = kb.Home
	Left      = kb.ArrowLeft
	Up        = kb.ArrowUp
	PageUp    = kb.PageUp
	Backspace = kb.Backspace
)

// Press presses and releases keys, one after the other, where the focus is.
func (p *Page) Press(keys string) error {
	_, err := step(p, chromedp.KeyEvent(keys))
	return err
}

// PressShift does so with the shift key held.
func (p *Page) PressShift(keys string) error {
	_, err := step(p, chromedp.KeyEvent(keys, chromedp.KeyModifiers(kb.ModifierShift)))
	return err
}

// Paste puts what was copied where the focus is.
func (p *Page) Paste() error {
	return call(p, input.DispatchKeyEvent, input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyDown, Key: "v", Code: "KeyV", Modifiers: int64(kb.ModifierCtrl), Commands: []string{"paste"},
	})
}

// Screenshot is what can be seen of the page, as PNG.
func (p *Page) Screenshot() ([]byte, error) { return step(p, chromedp.CaptureScreenshot()) }

// PDF is the page as it is printed, on paper of the size Letter, with its
// background colours only where the page insists on them.
func (p *Page) PDF() ([]byte, error) {
	return step(p, chromedp.PrintToPDF(func(*page.PrintToPDFParams) {}))
}

// Complaints are the warnings and errors that the browser reported so far:
// exceptions, violations of the Content-Security-Policy ("security: …"), failed
// requests ("network: …") and what scripts wrote to the console.
func (p *Page) Complaints() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.complaints)
}

// listen is called in the order of the events, before the commands return
// that caused them.
func (p *Page) listen(event any) {
	var complaint string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		complaint = "exception: " + e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			complaint += " " + x.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type != "error" && e.Type != "warning" && e.Type != "assert" {
			return
		}
		complaint = "console:"
		for _, arg := range e.Args {
			complaint += fmt.Sprintf(" %s%s", arg.Value, arg.Description)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != "error" && e.Entry.Level != "warning" {
			return
		}
		complaint = fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complaints = append(p.complaints, complaint)
}
