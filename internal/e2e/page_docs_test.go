package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"dummymessenger/internal/lab/browser"
	"dummymessenger/internal/lab/labtest"
)

// isIn waits until the docs are there in a language, with their script running.
func (w window) isIn(language string) {
	w.t.Helper()
	w.wait(`document.documentElement.lang === ` + quoted(language) + ` && document.querySelector(".try")?.hidden === false`)
}

// The docs begin in the browser's language, then keep to what was chosen on any page.
func pageDocsLanguage(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	at := rs.urls()[0]
	w := openWindow(t, b, "docs", at+"/docs", browser.View{Language: "ru"})
	w.isIn("ru")
	w.must(w.Navigate(at + "/docs#history"))
	w.must(w.Click("#language"))
	w.isIn("en")
	w.wait(`location.hash === "#history" && document.getElementById("theme").title === "Colours: as the system"`)
	w.must(w.Click(`a[href="."]`))
	w.isLive()
	w.wait(`document.documentElement.lang === "en"`)
	w.must(w.Click(`a[href="docs"]`))
	w.isIn("en")

	w.must(w.Click(`a[href="status"]`))
	w.isLive()
	w.must(w.Click("#language"))
	w.wait(`document.documentElement.lang === "ru"`)
	w.must(w.Click(`a[href="docs"]`))
	w.isIn("ru")
	w.wait(`document.getElementById("theme").title === "Тема: как в системе"`)
	w.must(w.Navigate(at + "/docs?lang=en")) // somebody's link
	w.isIn("en")
	w.isQuiet()
}

// Without JavaScript the docs are all there, and nothing that would do nothing.
func pageDocsWithoutScript(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	w := openWindow(t, b, "docs", rs.urls()[0]+"/docs", browser.View{NoScript: true})
	// A page without scripts answers Eval, but runs none of its own.
	seen := func() []string {
		return value[[]string](w, `Array.from(document.querySelectorAll("button, input, textarea, .token")).filter(e =>
			e.checkVisibility({ visibilityProperty: true })).map(e => e.outerHTML)`)
	}
	for _, language := range []string{"en", "ru"} {
		w.wait(`document.readyState === "complete" && document.documentElement.lang === ` + quoted(language))
		if got := seen(); len(got) > 0 {
			t.Errorf("without JavaScript the docs show %q", got)
		}
		if !value[bool](w, `document.querySelectorAll("section").length > 10 && document.querySelector("pre").innerText.startsWith("curl http://127.0.0.1:8001/messages \\\n  -H 'Content-Type")`) {
			t.Error("without JavaScript the docs lack calls or examples")
		}
		w.fits("docs without script")
		w.must(w.Click("#language"))
	}
	w.wait(`document.documentElement.lang === "en"`)

	scripted := openWindow(t, b, "scripted", rs.urls()[0]+"/docs", browser.View{})
	scripted.isIn("en")
	w = scripted
	if got := seen(); len(got) < 8 {
		t.Errorf("with JavaScript the docs show only %q", got)
	}
}

// Each example can be copied, names the server as the reader reaches it, and works.
func pageDocsExamples(t *testing.T, b *browser.Browser) {
	labtest.Program(t, "curl")
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	m := meddling(t, rs.urls()[0])
	const folder = "/it's&(c)" // which a shell must not see
	next := m.Config.Handler
	m.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path, r.URL.RawPath = strings.TrimPrefix(r.URL.Path, folder), ""
		next.ServeHTTP(w, r)
	})
	at := m.URL + folder
	w := openWindow(t, b, "docs", at+"/docs", browser.View{})
	w.isIn("en")
	n := value[int](w, `document.querySelectorAll(".copy").length`)
	if n < 8 {
		t.Errorf("%d examples can be copied, want at least 8", n)
	}
	copied := map[string]bool{}
	for i := range n {
		if i == n/2 { // as on a page that was loaded without TLS from another machine
			value[bool](w, `(Object.defineProperty(navigator, "clipboard", { value: undefined }), true)`)
		}
		value[bool](w, fmt.Sprintf(`(document.querySelectorAll(".copy")[%d].id = "this-one", true)`, i))
		w.must(w.Click("#this-one"))
		w.wait(`document.getElementById("this-one").textContent === "Copied"`)
		value[bool](w, `(document.getElementById("this-one").id = "", true)`)
		w.must(w.Click(".try [name=text]"))
		value[bool](w, `(document.activeElement.select(), true)`)
		w.must(w.Paste())
		w.wait(`document.activeElement.value.startsWith("curl ")`)
		command := value[string](w, `document.activeElement.value`)
		value[bool](w, `(document.activeElement.value = "", true)`)
		if !strings.HasPrefix(command, "curl ") || !strings.Contains(command, m.URL+"/it%27s%26%28c%29/") || strings.Contains(command, "TOKEN") {
			t.Errorf("copied: %q, want a call of %s without a token", command, at)
		}
		if copied[command] {
			t.Errorf("example %d: the clipboard still has %q", i, command)
		}
		copied[command] = true
		if strings.Contains(command, "-N") {
			command += " --max-time 1 || test $? = 28" // a stream has no end
		}
		out, err := exec.Command("sh", "-c", strings.Replace(command, "curl ", "curl -sS --fail-with-body ", 1)).CombinedOutput()
		if err != nil || len(out) == 0 {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	w.isQuiet()
}

// What is written into the form is sent, and the answer shown, also a problem.
func pageDocsTryIt(t *testing.T, b *browser.Browser) {
	file := t.TempDir() + "/tokens"
	if err := os.WriteFile(file, []byte("s3cret-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	db := sqliteDatabase(t.ArtifactDir() + "/messages.db")
	rs := start(t, 1, db.url, "--token-file", file)
	m := meddling(t, rs.urls()[0])
	w := openWindow(t, b, "docs", m.URL+"/docs", browser.View{})
	w.isIn("en")
	answers := func(button, want string) {
		t.Helper()
		value[bool](w, `(document.querySelector(".result").replaceChildren(), true)`)
		w.must(w.Click(button))
		w.wait(`document.querySelector(".result pre") && !document.querySelector(".try [type=submit]").disabled`)
		if got := value[string](w, `Array.from(document.querySelectorAll(".result pre")).at(-1).textContent`); !strings.Contains(got, want) {
			t.Errorf("the answer reads %q, want something with %q", got, want)
		}
	}
	const send = ".try [type=submit]"
	write := func(selector, text string) {
		t.Helper()
		w.must(w.Click(selector))
		value[bool](w, `(document.activeElement.select(), true)`)
		w.must(w.Type(text))
		w.wait(`document.activeElement.value === ` + quoted(text))
	}

	write(".try [name=text]", "<b>\"tried\" & 'true'</b>\nпривет")
	if value[bool](w, `document.querySelector(".secret").checkVisibility()`) {
		t.Error("the form asks for a token that may not be needed")
	}
	answers(send, "401 Unauthorized\nContent-Type: application/problem+json\n")
	w.wait(`document.querySelector("pre").innerText.includes("-H 'Authorization: Bearer TOKEN'")`)
	write(".secret", " s3cret-token")
	answers(send, "200 OK\nContent-Type: application/json\n")
	table := db.table(t)
	if len(table) != 1 || table[0].Sender != "Anna" || table[0].Text != "<b>\"tried\" & 'true'</b>\nпривет" {
		t.Errorf("the log is %v", table)
	}
	exchange := value[string](w, `document.querySelector(".result").innerText`)
	for _, want := range []string{"POST /messages", "Idempotency-Key: ", "Bearer …", `{"sender":"Anna","text":"<b>\"tried\" & 'true'</b>\nпривет"}`, `{"seq":1,`} {
		if !strings.Contains(exchange, want) {
			t.Errorf("the exchange reads %q, want something with %q", exchange, want)
		}
	}
	if strings.Contains(exchange, "s3cret") {
		t.Errorf("the exchange shows the token: %q", exchange)
	}

	// A message whose answer was lost is stored once, however often it is sent again.
	write(".try [name=text]", "again")
	m.set("/messages", func(w http.ResponseWriter, r *http.Request) {
		answered := httptest.NewRecorder()
		m.proxy.ServeHTTP(answered, r)
		answerHTML(w, http.StatusBadGateway)
	})
	answers(send, "502 Bad Gateway\nContent-Type: text/html")
	m.set("/messages", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) })
	answers(send, "a log-in page or a proxy answered")
	m.set("/messages", nil)
	answers(send, "Idempotent-Replayed: true")
	answers(send, `{"seq":3,`) // and once more means one more
	write(".try [name=sender]", strings.Repeat("x", 65))
	answers(send, "422 Unprocessable Entity")

	w.must(w.Click(`a[href="."]`)) // the messenger has the token now
	w.isLive()
	w.must(w.Click(`a[href="docs"]`))
	w.isIn("en")
	answers(send, `{"seq":4,`)
	w.must(w.Offline(true))
	answers(send, "the server does not answer")
	w.isQuiet("network:")
}

// In each view the docs fit the screen, by their contents every call is reached, and on paper
// they are dark on light with nothing that only a screen needs.
func pageDocsViews(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	phone := browser.Phone
	phone.Language = "ru"
	for name, v := range map[string]browser.View{
		"light": {}, "dark-ru": {Dark: true, Language: "ru"}, "phone-ru": phone,
		"phone-dark": {Width: 390, Height: 844, Scale: 2, Touch: true, Dark: true}, "narrow": {Width: 320, Height: 568, Scale: 2, Touch: true},
	} {
		w := openWindow(t, b, name, rs.urls()[0]+"/docs", v)
		w.wait(`document.querySelector(".try")?.hidden === false`)
		w.must(w.Click(".try [type=submit]"))
		w.wait(`document.querySelector(".result pre")`)
		value[bool](w, `(document.querySelectorAll("details").forEach(d => { d.open = true; }), scrollTo(0, 0), true)`)
		w.fits("docs-" + name)
		labtest.Picture(t, w.Page, "docs-"+name)
		dead := value[[]string](w, `Array.from(document.querySelectorAll(".contents a")).map(a => a.hash.slice(1)).filter(id => !document.getElementById(id))`)
		if calls := value[int](w, `document.querySelectorAll(".contents li a").length`); len(dead) > 0 || calls != value[int](w, `document.querySelectorAll("section").length`) {
			t.Errorf("%s: the contents have %d calls, of which %q are nowhere", name, calls, dead)
		}
		w.must(w.Click(`.contents a[href="#readyz"]`))
		w.wait(`Math.abs(document.getElementById("readyz").getBoundingClientRect().top) < 40`)
		beside := value[bool](w, `document.querySelector(".contents").getBoundingClientRect().bottom > 0`)
		if wide := !v.Touch; beside != wide {
			t.Errorf("%s: the contents stay in sight: %t, want %t", name, beside, wide)
		}
		ground := value[string](w, `getComputedStyle(document.body).backgroundColor`)
		if want := map[bool]string{false: "rgb(244, 245, 248)", true: "rgb(20, 22, 27)"}[v.Dark]; ground != want {
			t.Errorf("%s: the background is %s, want %s", name, ground, want)
		}
		w.isQuiet()
	}

	w := openWindow(t, b, "paper", rs.urls()[0]+"/docs", browser.View{})
	w.isIn("en")
	w.must(w.Click("#theme"))
	w.must(w.Click("#theme"))
	w.wait(`getComputedStyle(document.body).backgroundColor === "rgb(20, 22, 27)"`)
	w.must(w.Look(browser.View{Print: true}))
	w.wait(`getComputedStyle(document.body).backgroundColor === "rgb(244, 245, 248)"`)
	if got := value[[]string](w, `Array.from(document.querySelectorAll(".bar, .contents, .try, .copy")).filter(e => e.checkVisibility()).map(e => e.className)`); len(got) > 0 {
		t.Errorf("on paper are %q", got)
	}
	if !value[bool](w, `document.querySelector("details:not([open]) pre").checkVisibility({ contentVisibilityAuto: true })`) {
		t.Error("on paper the examples of problems stay folded")
	}
	labtest.Picture(t, w.Page, "docs-paper")
}
