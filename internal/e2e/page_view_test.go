package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/lab/browser"
	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/loadtest"
)

// A log of messages with dates of our choice, told in place of the replica's.
type toldLog struct {
	begin int // seq of the first message
	lines []toldLine
	more  chan toldLine // told to the page while it watches
}

type toldLine struct{ sender, at string } // at: RFC 3339

func (l toldLog) json(i int, line toldLine) string {
	return fmt.Sprintf(`{"seq":%d,"sender":%s,"sender_count":%d,"text":"text %[1]d","sent_at":%[4]s}`,
		l.begin+i, quoted(line.sender), i+1, quoted(line.at))
}

func (l toldLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	tell := func(i int, line toldLine) {
		fmt.Fprintf(w, "id: %d\ndata: %s\n\n", l.begin+i, l.json(i, line))
		w.(http.Flusher).Flush()
	}
	for i, line := range l.lines {
		tell(i, line)
	}
	for i := len(l.lines); ; i++ {
		select {
		case <-r.Context().Done():
			return
		case line := <-l.more:
			tell(i, line)
		}
	}
}

// Messages in a row of one sender share a name, those of one day a date, wherever the
// document begins. The header says where the page comes from and counts the messages,
// beside what is read out.
func pageGroups(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	m := meddling(t, rs.urls()[0])
	told := toldLog{begin: 1199, more: make(chan toldLine), lines: []toldLine{
		{"Anna", "2025-12-31T20:58:00Z"}, // 1199, still the old year in Moscow
		{"Anna", "2025-12-31T20:59:59Z"},
		{"Anna", "2025-12-31T21:00:00Z"}, // 1201
		{"Boris", "2025-12-31T21:00:00Z"},
		{"Anna", "2025-12-31T21:00:01Z"},
	}}
	m.set("/events", told.ServeHTTP)
	m.set("/history", func(w http.ResponseWriter, r *http.Request) {
		older := toldLog{begin: 1197}
		answerJSON(w, fmt.Sprintf(`{"messages":[%s,%s]}`, older.json(0, toldLine{"Boris", "2025-12-31T08:00:00Z"}),
			older.json(1, toldLine{"Anna", "2025-12-31T09:30:00Z"})))
	})
	w := openWindow(t, b, "page", m.URL, browser.View{Timezone: "Europe/Moscow"})
	place := func(want string) {
		t.Helper()
		want = "· " + strings.TrimPrefix(m.URL, "http://") + " · " + want
		w.wait(`document.getElementById("place").textContent.trim().replaceAll("\u00a0", " ") === ` + quoted(want))
	}
	shows := func(want ...string) {
		t.Helper()
		const heads = `Array.from(document.querySelectorAll(".message"), m => [m.dataset.seq,
			...Array.from(m.querySelectorAll(".day:not([hidden])"), d => d.textContent),
			...m.querySelector(".avatar").checkVisibility({ visibilityProperty: true }) ? [m.querySelector(".sender").textContent] : [],
			m.querySelector("time").textContent].join(" | "))`
		w.wait(fmt.Sprintf(`document.querySelectorAll(".message").length === %d`, len(want)))
		if got := value[[]string](w, heads); !slices.Equal(got, want) {
			t.Errorf("the page shows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	place("1,203 messages")
	const eve, newYear = "Wednesday, December 31, 2025", "Thursday, January 1, 2026"
	rest := []string{"1200 | 23:59:59", "1201 | " + newYear + " | Anna | 00:00:00", "1202 | Boris | 00:00:00", "1203 | Anna | 00:00:01"}
	thisYear := time.Now().Year()
	if thisYear == 2026 {
		rest[1] = strings.Replace(rest[1], ", 2026", "", 1)
	}
	shows(append([]string{"1199 | " + eve + " | Anna | 23:58:00"}, rest...)...)

	w.must(w.Click("#older"))
	rest = append([]string{"1197 | " + eve + " | Boris | 11:00:00", "1198 | Anna | 12:30:00", "1199 | 23:58:00"}, rest...)
	shows(rest...)
	told.more <- toldLine{"Anna", "2025-12-31T21:00:02Z"}
	place("1,204 messages")
	shows(append(rest, "1204 | 00:00:02")...)
	labtest.Picture(t, w.Page, "groups")

	if got := value[string](w, `document.querySelector("[role=status]").textContent`); got != "Live" {
		t.Errorf("the state is read out as %q, want only that it is live", got)
	}
	w.must(w.Click("#language"))
	place("1 204 сообщения")
	told.more <- toldLine{"Anna", "2025-12-31T21:00:03Z"}
	place("1 205 сообщений")
	w.isQuiet()
}

// The ten messages of a window fit on a phone, with texts of two lines. The client's
// senders have colours that are told apart.
func pageTenOnAPhone(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	for i := range 3 {
		for _, sender := range loadtest.DefaultSenders {
			mustPost(t, rs.urls()[0], sender, fmt.Sprint("Встречаемся в семь у входа, и не забудьте зонт: ", i), "")
		}
	}
	phone := browser.Phone
	phone.Language = "ru"
	w := openWindow(t, b, "phone", rs.urls()[0], phone)
	w.isLive()
	w.shows("Встречаемся в семь у входа, и не забудьте зонт: 2")
	const whole = `(({ top, bottom }) => Array.from(document.querySelectorAll(".message")).filter(m =>
		m.getBoundingClientRect().top >= top && m.getBoundingClientRect().bottom <= bottom).length)(
			document.getElementById("scroller").getBoundingClientRect())`
	w.wait(whole + ` >= 10`)
	labtest.Picture(t, w.Page, "ten")
	w.fits("phone")
	w.must(w.Click("#send"))
	w.fails("Сначала введите имя")
	w.must(w.Offline(true))
	w.isLost()
	w.wait(`document.getElementById("trouble").textContent.startsWith("Связь потеряна.")`)
	labtest.Picture(t, w.Page, "troubles")
	w.fits("phone with troubles")

	hues := value[[]float64](w, `Array.from(document.querySelectorAll(".message"), m => Number(m.style.getPropertyValue("--hue"))).slice(-10)`)
	slices.Sort(hues)
	for i, hue := range append(hues[1:], hues[0]+360) {
		if hue-hues[i] < 25 {
			t.Errorf("the hues %v are closer than 25 degrees", hues)
		}
	}
}

// The plots begin where the data do, and tell what they show: at the pointer, and by keyboard.
func pageStatusPlots(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	m := meddling(t, rs.urls()[0])
	const now, seconds = 1795514440000, 40
	column := func(of func(i int) any) string {
		var values []string
		for i := range seconds {
			values = append(values, fmt.Sprint(of(i)))
		}
		return "[" + strings.Join(values, ",") + "]"
	}
	idle := func(value any) func(int) any {
		return func(i int) any {
			if i == 20 {
				return "null"
			}
			return value
		}
	}
	status := fmt.Sprintf(`{"version":"v1.0.0","database":"SQLite","started_at":%d,"now":%d,"queue":0,"connections":1,"connections_refused":0,
		"watchers":0,"last_seq":123456,"seconds":{"at":%s,"answered":%s,"failed":%s,"p50":%s,"p99":%s,"batch":%s}}`,
		now-1000*seconds, now, column(func(i int) any { return now - 1000*(seconds-1-i) }),
		column(func(i int) any { return 1000 + i }), column(func(int) any { return 0 }),
		column(idle(.00125)), column(idle(.75)), column(idle(24.56)))
	m.set("/status.json", func(w http.ResponseWriter, r *http.Request) { answerJSON(w, status) })
	w := openWindow(t, b, "status", m.URL+"/status", browser.View{Height: 1100, Width: 1280})
	w.isLive()
	labels := func(plot, want string) {
		t.Helper()
		if got := value[string](w, `Array.from(document.querySelectorAll("#`+plot+` svg text"), e => e.textContent).join(" ").replaceAll("\u00a0", " ")`); got != want {
			t.Errorf("the axes of %s read %q, want %q", plot, got, want)
		}
	}
	labels("throughput", "0 1,000 2,000 now −10 s −20 s −30 s")
	labels("latency", "1 10 100 1,000 now −10 s −20 s −30 s")
	labels("batch", "0 20 40 now −10 s −20 s −30 s")
	if at := value[float64](w, `document.querySelector("#throughput path.first").getPointAtLength(0).x`); at != 52 {
		t.Errorf("the data begin at %v points, want 52, where the axis begins", at)
	}

	legend := func(plot, want string) {
		t.Helper()
		w.wait(`document.querySelector("#` + plot + ` .legend").textContent.replaceAll("\u00a0", " ") === ` + quoted(want))
	}
	legend("throughput", "nowanswered 1,039failed 0")
	legend("latency", "nowp50 1.25p99 750")
	legend("batch", "nowmean 24.6")
	point := func(kind string, share float64) {
		t.Helper()
		value[bool](w, fmt.Sprintf(`(svg => { const { x, y, width } = svg.getBoundingClientRect(); return svg.dispatchEvent(new PointerEvent(%s,
			{ clientX: x + 52 + (width - 60) * %v, clientY: y + 50, bubbles: true, pointerType: "mouse" })); })(document.querySelector("#latency svg"))`, quoted(kind), share))
	}
	point("pointermove", 0)
	legend("throughput", "39 s agoanswered 1,000failed 0")
	legend("latency", "39 s agop50 1.25p99 750")
	point("pointermove", 20./39)
	legend("batch", "19 s agomean –")
	labtest.Picture(t, w.Page, "pointed")
	point("pointerleave", 0)
	legend("throughput", "nowanswered 1,039failed 0")

	value[bool](w, `(document.querySelector("#throughput svg").focus(), true)`)
	w.must(w.Press(browser.Home))
	legend("batch", "39 s agomean 24.6")
	w.must(w.Press(browser.End))
	w.must(w.Press(browser.Left))
	legend("throughput", "1 s agoanswered 1,038failed 0")
	w.wait(`document.getElementById("reading").textContent.replaceAll("\u00a0", " ") === "Messages per second: 1 s ago, answered 1,038, failed 0"`)
	w.must(w.Press(browser.Escape))
	legend("throughput", "nowanswered 1,039failed 0")
	w.isQuiet()
}

// fits checks that nothing is wider than its place. (innerWidth grows with a phone's page.)
func (w window) fits(name string) {
	w.t.Helper()
	wide := value[[]string](w, `Array.from(document.querySelectorAll("*")).filter(e => e.checkVisibility() && (
		e.getBoundingClientRect().right > visualViewport.width + .5 || e.getBoundingClientRect().left < -.5 ||
		e.clientWidth > 1 && e.scrollWidth > e.clientWidth + 1)).map(e => e.tagName + " " + e.id + " " + e.className + " " + e.textContent)`)
	if len(wide) > 0 {
		w.t.Errorf("%s: wider than their place are %q", name, wide)
	}
}

// Addresses of http and https are links, and nothing else is.
func pageLinks(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	w := openWindow(t, b, "page", rs.urls()[0], browser.View{})
	w.isLive()
	tests := []struct {
		text string
		want []string // what links read, and where they lead if that differs
	}{
		{"see https://example.org/a?b=1&c=%20#d, then (http://127.0.0.1:8001/status).",
			[]string{"https://example.org/a?b=1&c=%20#d", "http://127.0.0.1:8001/status"}},
		{"https://example.org/Set_(mathematics)!!! [https://example.org/a[0]]",
			[]string{"https://example.org/Set_(mathematics)", "https://example.org/a[0]"}},
		{"«https://example.org», “https://example.org/”… https://example.org/?)", []string{
			"https://example.org https://example.org/", "https://example.org/", "https://example.org/"}},
		{"HTTPS://Example.ORG/Path", []string{"HTTPS://Example.ORG/Path https://example.org/Path"}},
		{"https://пример.рф/путь", []string{"https://пример.рф/путь https://xn--e1afmkfd.xn--p1ai/%D0%BF%D1%83%D1%82%D1%8C"}},
		{"https://еxample.org has a Cyrillic letter", []string{"https://еxample.org https://xn--xample-2of.org/"}},
		{"javascript:alert(1) JAVASCRIPT:alert`1` data:text/html,<script>alert(1)</script> vbscript:x file:///etc/passwd", nil},
		{"java\tscript:alert(1) ftp://example.org mailto:a@example.org //example.org example.org www.example.org", nil},
		{"https:// http://. https://? http:///path https:example.org https:/example.org xhttps://example.org https://[::1", []string{"http:///path http://path/"}},
		{"https://bank.example@evil.example/ https://bank.example:443@evil.example/", nil},
		{`https://example.org/"onclick="alert(1)"`, []string{"https://example.org/"}},
		{`https://example.org/'><img src=x onerror=alert(1)>`, []string{"https://example.org/"}},
		{"https://example.org/\u202egnp.exe https://example.org/a\u200bb https://example.org/\u2066x\u2069",
			[]string{"https://example.org/", "https://example.org/a", "https://example.org/"}},
		{"https://example.org\\@evil.example https://example.org/\x7fx", []string{"https://example.org https://example.org/", "https://example.org/"}},
		{"https://example.org/?to=javascript:alert(1)", []string{"https://example.org/?to=javascript:alert(1)"}},
		{"https://example.org/" + strings.Repeat(")", 4000), []string{"https://example.org/"}},
		{"no address at all", nil},
	}
	for _, tt := range tests {
		mustPost(t, rs.urls()[0], "Mallory", tt.text, "")
	}
	w.shows("no address at all")
	got := value[[]struct {
		Text  string
		Links []string
	}](w, `Array.from(document.querySelectorAll(".text"), e => ({ Text: e.textContent,
		Links: Array.from(e.querySelectorAll("a"), a => a.textContent === a.getAttribute("href") ? a.textContent : a.textContent + " " + a.href) }))`)
	for i, tt := range tests {
		if got[i].Text != tt.text {
			t.Errorf("%q reads %q", tt.text, got[i].Text)
		}
		if !slices.Equal(got[i].Links, tt.want) {
			t.Errorf("%q has the links %q, want %q", tt.text, got[i].Links, tt.want)
		}
	}
	const others = `Array.from(document.querySelectorAll(".text *")).filter(e => e.tagName !== "A" || e.target !== "_blank" ||
		e.rel !== "noopener nofollow noreferrer" || !/^https?:/.test(e.protocol) || e.getAttributeNames().some(n => n.startsWith("on"))).length`
	if n := value[int](w, others); n > 0 {
		t.Errorf("%d elements in the texts are not such links", n)
	}
	labtest.Picture(t, w.Page, "links")
	w.isQuiet()
}

// The colours that a person chose hold on both pages, in all windows, and from the first
// moment.
func pageTheme(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	w := openWindow(t, b, "page", rs.urls()[0], browser.View{Dark: true})
	w.isLive()
	s := w.openBeside(rs.urls()[0] + "/status")
	s.must(s.Look(browser.View{Dark: true}))
	looks := func(w window, scheme, label string) {
		t.Helper()
		w.wait(fmt.Sprintf(`getComputedStyle(document.body).backgroundColor === %s &&
			document.getElementById("theme").ariaLabel === %s &&
			Array.from(document.querySelectorAll("#theme svg > :is(g, path)")).filter(e => getComputedStyle(e).display !== "none").length === 1`,
			quoted(map[string]string{"light": "rgb(244, 245, 248)", "dark": "rgb(20, 22, 27)"}[scheme]), quoted(label)))
	}
	for _, tt := range []struct{ scheme, label string }{
		{"light", "Colours: light"}, {"dark", "Colours: dark"}, {"dark", "Colours: as the system"}, {"light", "Colours: light"},
	} {
		w.must(w.Click("#theme"))
		looks(w, tt.scheme, tt.label)
		looks(s, tt.scheme, tt.label)
	}
	w.must(w.Navigate(rs.urls()[0] + "/status"))
	looks(w, "light", "Colours: light")
	w.must(w.Click("#language"))
	looks(w, "light", "Тема: светлая")
	w.isQuiet()
}
