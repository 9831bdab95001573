package labtest_test

import (
	"bytes"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"dummymessenger/internal/lab/browser"
	"dummymessenger/internal/lab/labtest"
)

const document = `<!doctype html><title>t</title>
<style>body{background:#fff}@media(prefers-color-scheme:dark){body{background:#000}}</style>
<button onclick="this.textContent='clicked'">press</button><input>`

func serve(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, document) }))
	t.Cleanup(server.Close)
	return server.URL
}

func eval[T comparable](t *testing.T, p *browser.Page, expression string, want T) {
	t.Helper()
	got, err := browser.Eval[T](p, expression)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("%s = %v, want %v", expression, got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPageIsUsedAsAPersonWould(t *testing.T) {
	p := labtest.Page(t, labtest.Browser(t), "page", serve(t), browser.View{})
	must(t, p.Click("button"))
	eval(t, p, "document.querySelector('button').textContent", "clicked")
	must(t, p.Press(browser.Tab))
	must(t, p.Type("приветы"))
	must(t, p.PressShift(browser.Home))
	must(t, p.Press("!"))
	eval(t, p, "document.querySelector('input').value", "!")
	must(t, p.Wait("new Promise(done => setTimeout(() => done(true), 10))"))
	if got := p.Complaints(); len(got) != 0 {
		t.Errorf("complaints %q, want none", got)
	}
}

func TestPageIsSeenInAView(t *testing.T) {
	b, url := labtest.Browser(t), serve(t)
	v := browser.Phone
	v.Dark, v.Language, v.Timezone = true, "ru", "Europe/Moscow"
	p := labtest.Page(t, b, "phone", url, v)
	eval(t, p, "navigator.language", "ru")
	eval(t, p, "Intl.DateTimeFormat().resolvedOptions().timeZone", "Europe/Moscow")
	eval(t, p, "matchMedia('(pointer: coarse)').matches", true)

	picture, err := p.Screenshot()
	must(t, err)
	image, err := png.Decode(bytes.NewReader(picture))
	must(t, err)
	if size := image.Bounds().Size(); size.X != 2*v.Width || size.Y != 2*v.Height {
		t.Errorf("picture of %v, want %d × %d", size, 2*v.Width, 2*v.Height)
	}
	if r, g, b, _ := image.At(1, 1).RGBA(); r+g+b != 0 {
		t.Errorf("background %d %d %d in the dark, want black", r, g, b)
	}
}

func TestPageHasStorageOfItsOwn(t *testing.T) {
	b, url := labtest.Browser(t), serve(t)
	one, two := labtest.Page(t, b, "one", url, browser.View{}), labtest.Page(t, b, "two", url, browser.View{})
	eval(t, one, "localStorage.setItem('a', 1)||localStorage.getItem('a')", "1")
	eval(t, two, "localStorage.length", 0)
	must(t, one.Reload())
	eval(t, one, "localStorage.getItem('a')", "1")
}

func TestPageOffline(t *testing.T) {
	p := labtest.Page(t, labtest.Browser(t), "page", serve(t), browser.View{})
	const fetch = "fetch('/').then(() => true, () => false)"
	must(t, p.Offline(true))
	eval(t, p, fetch, false)
	eval(t, p, "navigator.onLine", false)
	must(t, p.Offline(false))
	eval(t, p, fetch, true)
	eval(t, p, "navigator.onLine", true)
}

func TestComplaintsAreHeard(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", "script-src 'self'")
		io.WriteString(w, "<!doctype html><script>1</script><img src=/none>")
	}))
	t.Cleanup(server.Close)
	p := labtest.Page(t, labtest.Browser(t), "page", server.URL, browser.View{})
	eval(t, p, "console.error('said', 7) ?? true", true)
	eval(t, p, "setTimeout(() => { throw new Error('thrown') }) && true", true)
	must(t, p.Wait("new Promise(done => setTimeout(() => done(true)))"))
	for _, want := range [][]string{{"security:", "script-src"}, {"network:", "404"}, {"console:", "said", "7"}, {"exception:", "thrown"}} {
		if !slices.ContainsFunc(p.Complaints(), func(got string) bool {
			return !slices.ContainsFunc(want, func(part string) bool { return !strings.Contains(got, part) })
		}) {
			t.Errorf("no complaint with %q among %q", want, p.Complaints())
		}
	}
}
