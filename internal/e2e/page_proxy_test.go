package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"dummymessenger/internal/lab/browser"
	"dummymessenger/internal/lab/labtest"
)

// A meddler is a proxy that answers some paths itself.
type meddler struct {
	*httptest.Server
	proxy http.Handler
	mu    sync.Mutex
	paths map[string]http.HandlerFunc
	keys  []string // of the messages it answered itself
}

func meddling(t *testing.T, replica string) *meddler {
	t.Helper()
	target, err := url.Parse(replica)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	m := &meddler{proxy: proxy, paths: map[string]http.HandlerFunc{}}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		answer := m.paths[r.URL.Path]
		if answer != nil && r.URL.Path == "/messages" {
			m.keys = append(m.keys, r.Header.Get("Idempotency-Key"))
		}
		m.mu.Unlock()
		if answer == nil {
			answer = proxy.ServeHTTP
		}
		answer(w, r)
	}))
	t.Cleanup(m.Close)
	t.Cleanup(m.CloseClientConnections) // the pages' streams have no end
	return m
}

// keysSeen are the keys of the messages that m answered itself.
func (m *meddler) keysSeen() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.keys)
}

// set makes m answer path itself, or pass it on again if answer is nil.
func (m *meddler) set(path string, answer http.HandlerFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.paths[path] = answer
}

func login(w http.ResponseWriter, r *http.Request) { answerHTML(w, http.StatusOK) }

// fails waits until the form says so.
func (w window) fails(part string) {
	w.t.Helper()
	w.wait(fmt.Sprintf(`document.getElementById("failure").textContent.includes(%s) &&
		!document.getElementById("failure").hidden`, quoted(part)))
}

// The page never takes a proxy's answer, such as a log-in page, for one of the
// messenger's: a stored message, a stream, older messages or a status.
func pageTakesOnlyOurAnswers(t *testing.T, b *browser.Browser) {
	db := sqliteDatabase(t.ArtifactDir() + "/messages.db")
	rs := start(t, 1, db.url)
	for i := range 30 {
		mustPost(t, rs.urls()[0], []string{"Boris", "Zoë"}[i%2], fmt.Sprint("number ", i+1), "") // more than the window is high
	}
	m := meddling(t, rs.urls()[0])
	w := openWindow(t, b, "page", m.URL, browser.View{Height: 600, Width: 900})
	w.isLive()
	w.must(w.Click("#name"))
	w.must(w.Type("Anna"))
	w.must(w.Click("#text"))
	w.must(w.Type("hello"))
	for _, tt := range notOurs {
		m.set("/messages", tt.answer)
		value[bool](w, `(document.getElementById("failure").textContent = "", true)`)
		w.must(w.Press(browser.Enter))
		w.fails("a log-in page or a proxy answered instead of the messenger")
		w.wait(`!document.getElementById("text").readOnly`)
		if got := value[string](w, `document.getElementById("text").value`); got != "hello" {
			t.Errorf("%s: the text is now %q; want it kept", tt.name, got)
		}
	}
	labtest.Picture(t, w.Page, "login")
	w.must(w.Click("#language"))
	w.fails("вместо мессенджера ответила страница входа или прокси-сервер")
	w.must(w.Click("#language"))
	if keys := m.keysSeen(); len(keys) != len(notOurs) || len(slices.Compact(keys)) != 1 {
		t.Errorf("the message was sent under the keys %q, want %d times one: such an answer is final, and may have been stored",
			keys, len(notOurs))
	}

	m.set("/history", login)
	w.must(w.Click("#older"))
	w.wait(`document.getElementById("older").textContent.includes("could not be loaded")`)

	m.set("/messages", nil)
	w.must(w.Click("#text"))
	w.must(w.Press(browser.Enter))
	w.shows("hello")
	if got := len(db.table(t)); got != 31 {
		t.Errorf("%d messages are stored, want 31", got)
	}

	for _, answer := range []http.HandlerFunc{
		login,
		func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, strings.ReplaceAll(loginPage, ">", ">\n"))
		},
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "retry: 1000\ndata: {\"user\":\"none\"}\n\n")
		},
	} {
		m.set("/events", answer)
		m.set("/login", login)
		stream := openWindow(t, b, "stream", m.URL, browser.View{})
		value[bool](stream, `(globalThis.states = new Set([document.getElementById("state").dataset.state]),
			new MutationObserver(() => states.add(document.getElementById("state").dataset.state))
				.observe(document.getElementById("state"), { attributes: true }), true)`)
		stream.isLost()
		stream.wait(`document.getElementById("trouble").textContent.includes("a log-in page or a proxy answered")`)
		if value[bool](stream, `states.has("live")`) {
			t.Error("the page called a log-in page live")
		}
		m.set("/events", nil)
		stream.isLive()
		stream.shows("hello")
		stream.isQuiet("network:")
	}

	for _, answer := range []http.HandlerFunc{login, func(w http.ResponseWriter, r *http.Request) { answerJSON(w, `{"user":"none"}`) }} {
		m.set("/status.json", answer)
		status := openWindow(t, b, "status", m.URL+"/status", browser.View{})
		status.isLost()
		status.wait(`document.getElementById("trouble").textContent.includes("a log-in page or a proxy answered")`)
		m.set("/status.json", nil)
		status.isLive()
		status.wait(`document.getElementById("trouble").hidden`)
		status.isQuiet("network:")
	}
	w.isQuiet("network:")
}

// If a proxy's Retry-After is an hour, the page tries again after ten seconds. The
// person can cancel that at once and write something else.
func pageWaitsNoHour(t *testing.T, b *browser.Browser) {
	db := sqliteDatabase(t.ArtifactDir() + "/messages.db")
	rs := start(t, 1, db.url)
	m := meddling(t, rs.urls()[0])
	w := openWindow(t, b, "page", m.URL, browser.View{})
	w.isLive()
	m.set("/messages", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		answerHTML(w, http.StatusTooManyRequests)
	})
	w.must(w.Click("#name"))
	w.must(w.Type("Anna"))
	w.must(w.Click("#text"))
	w.must(w.Type("too early"))
	w.must(w.Press(browser.Enter))
	w.fails("Try 2 of 8 in 10 s")
	labtest.Picture(t, w.Page, "waits")
	w.must(w.Click("#stop"))
	w.fails("you stopped the attempt")
	w.wait(`!document.getElementById("text").readOnly && document.getElementById("stop").hidden`)
	if keys := m.keysSeen(); len(keys) != 1 {
		t.Errorf("the message was sent %d times before it was stopped, want once", len(keys))
	}
	w.must(w.Type(" or not"))
	w.must(w.Press(browser.Enter))
	w.fails("Try 2 of 8 in 10 s")
	m.set("/messages", nil)
	w.shows("too early or not") // after ten seconds
	if got, keys := len(db.table(t)), m.keysSeen(); got != 1 || len(keys) != 2 || keys[0] == keys[1] {
		t.Errorf("%d messages are stored, after tries under the keys %q; want one, and two keys: it was changed", got, keys)
	}
	w.isQuiet("network:")
}

// An Enter that ends an input method's composition does not send. Browsers mark such an
// Enter in two ways.
func pageInputMethod(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	w := openWindow(t, b, "page", rs.urls()[0], browser.View{})
	w.isLive()
	w.must(w.Click("#name"))
	w.must(w.Type("Anna"))
	w.must(w.Click("#text"))
	w.must(w.Type("にほ"))
	for _, fields := range []string{`keyCode: 229`, `keyCode: 13, isComposing: true`} {
		if prevented := value[bool](w, `!document.getElementById("text").dispatchEvent(
			new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, `+fields+` }))`); prevented {
			t.Errorf("Enter with %s was taken from the input method", fields)
		}
		if value[bool](w, `document.getElementById("text").readOnly`) {
			t.Errorf("Enter with %s sent the message", fields)
		}
	}
	w.must(w.Type("ん"))
	w.must(w.Press(browser.Enter))
	w.shows("にほん")
	if got := w.messages(); len(got) != 1 {
		t.Errorf("the log reads %q, want one message", got)
	}
	w.isQuiet()
}
