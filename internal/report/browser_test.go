package report_test

import (
	"bytes"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/faulty"
	"dummymessenger/internal/lab/browser"
	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/measure"
	"dummymessenger/internal/report"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// page is the report of a run of requests by 50 workers against s.
func page(t *testing.T, s *faulty.Server, requests int, language lang.Lang) *report.Page {
	t.Helper()
	running, err := s.Start(1)
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	cfg := loadtest.Config{URLs: running.URLs, Seed: 1, Workers: 50, Requests: requests, Timeout: 10 * time.Second, Trace: true}
	if s.Drops {
		cfg.Retries = 5
	}
	if s.Profile() != "" {
		if cfg.Profile, err = loadtest.ParseProfile([]byte(s.Profile())); err != nil {
			t.Fatal(err)
		}
	}
	test, err := loadtest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	run := test.Run(t.Context(), nil)
	return &report.Page{
		Result: &report.Result{Run: &run, Verdict: test.Verifier().Verdict()},
		Trace:  test.Figures().Trace(),
		Annotations: []report.Annotation{{From: report.Moment{Seconds: run.Total / 3}, To: report.Moment{Seconds: run.Total / 2},
			Label: "…"}},
		Environment: []report.Fact{{Name: "command line", Value: "…"}, {Name: "seed", Value: "1"}},
		Lang:        language,
	}
}

func named(t *testing.T, name string) *faulty.Server {
	t.Helper()
	for _, s := range slices.Concat(faulty.Correct, faulty.All) {
		if s.Name == name {
			return &s
		}
	}
	t.Fatalf("there is no server %s", name)
	return nil
}

// What the browser is to say of a page that it has loaded.
const (
	// Each plot has a picture, of which at least one point in a thousand is coloured.
	emptyPlots = `[...document.querySelectorAll(".plot")].filter(plot => {
		const canvas = plot.querySelector("canvas");
		if (!canvas) return true;
		const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
		let coloured = 0;
		for (let i = 0; i < data.length; i += 4) {
			if (data[i + 3] > 100 && Math.max(data[i], data[i+1], data[i+2]) - Math.min(data[i], data[i+1], data[i+2]) > 30) coloured++;
		}
		return coloured * 1000 < data.length / 4;
	}).map(plot => plot.id)`
	wordless = `[...document.querySelectorAll(".uplot")].
		filter(plot => plot.getAttribute("role") !== "img" || !plot.getAttribute("aria-label")).length`
	captions   = `[...document.querySelectorAll("table")].filter(table => !table.caption?.textContent).length`
	headings   = `[...document.querySelectorAll("h1, h2, h3")].map(h => +h.tagName[1])`
	overflow   = `document.documentElement.scrollWidth - innerWidth`
	downloads  = `performance.getEntriesByType("resource").map(r => r.name)`
	background = `getComputedStyle(document.body).backgroundColor`
)

// write writes p to a file and returns its URL.
func write(t *testing.T, p *report.Page) (url string) {
	t.Helper()
	var document bytes.Buffer
	if err := report.WriteHTML(&document, p); err != nil {
		t.Fatal(err)
	}
	if document.Len() > 1_000_000 {
		t.Errorf("%d bytes, want less than 1 MB", document.Len())
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, document.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file://" + file
}

// All share one browser, in a page each.
func TestBrowser(t *testing.T) {
	t.Parallel()
	b := labtest.Browser(t)
	for _, fastest := range []time.Duration{time.Microsecond, 12 * time.Microsecond, 121 * time.Microsecond,
		124 * time.Microsecond, time.Second} {
		t.Run("fastest "+fastest.String(), func(t *testing.T) {
			t.Parallel()
			showAnyFastest(t, b, fastest)
		})
	}
	for _, test := range []struct {
		server string
		lang   lang.Lang
		views  map[string]browser.View
	}{
		{"correct", "en", map[string]browser.View{"light": {}, "phone": browser.Phone}},
		{"window-before-lock", "ru", map[string]browser.View{"dark": {Dark: true},
			"phone": {Width: 390, Height: 844, Touch: true, Dark: true}}},
	} {
		url := write(t, page(t, named(t, test.server), 5000, test.lang))
		for name, view := range test.views {
			t.Run(test.server+" "+name, func(t *testing.T) {
				t.Parallel()
				showInFull(t, labtest.Page(t, b, test.server+"-"+name, url, view), view.Dark, test.server+"-"+name)
			})
		}
	}
	t.Run("lanes", func(t *testing.T) {
		t.Parallel()
		showLanes(t, b)
	})
	t.Run("contradiction", func(t *testing.T) {
		t.Parallel()
		showContradiction(t, b)
	})
}

// The scatter plot is drawn whatever the fastest request took, and the lanes also if
// there is no seq.
func showAnyFastest(t *testing.T, b *browser.Browser, fastest time.Duration) {
	recorder := measure.NewRecorder(measure.Config{Trace: true})
	for i := range 500 {
		call := time.Duration(i) * time.Millisecond
		op := &verify.Operation{Number: i, Outcome: verify.OK, Call: call,
			Return: call + fastest + time.Duration(i)*20*time.Microsecond}
		recorder.Add(op, call)
	}
	run := recorder.Stored(verify.Config{})
	url := write(t, &report.Page{Result: &report.Result{Run: &run}, Trace: recorder.Trace()})
	p := labtest.Page(t, b, "fastest-"+fastest.String(), url, browser.View{})
	expect(t, p, `[...document.querySelectorAll(".plot:has(canvas)")].map(p => p.id).join()`, "lanes,spectrum,scatter,throughput")
	expect(t, p, `document.querySelectorAll("#lanes button").length`, 5)
	if complaints := p.Complaints(); len(complaints) > 0 {
		t.Errorf("the browser complains: %q", complaints)
	}
}

// The report is one file without a network, drawn in full in light and dark and
// on a phone, and says in words what it draws.
func showInFull(t *testing.T, p *browser.Page, wantDark bool, name string) {
	expect(t, p, wordless, 0)
	expect(t, p, captions, 0)
	if n := value[int](t, p, overflow); n > 0 {
		t.Errorf("the page is %d points too wide", n)
	}
	if empty := value[[]string](t, p, emptyPlots); len(empty) > 0 {
		t.Errorf("empty plots: %q", empty)
	}
	expect(t, p, `document.querySelectorAll(".plot canvas").length`, 6)
	tellValues(t, p)
	levels := value[[]int](t, p, headings)
	for i, level := range levels {
		if i == 0 && level != 1 || i > 0 && (level == 1 || level > levels[i-1]+1) {
			t.Errorf("headings %v", levels)
			break
		}
	}
	if got := value[[]string](t, p, downloads); len(got) > 0 {
		t.Errorf("the page loads %q", got)
	}
	if dark := value[string](t, p, background) == "rgb(20, 23, 28)"; dark != wantDark {
		t.Errorf("the background is dark: %t, want %t", dark, wantDark)
	}
	if complaints := p.Complaints(); len(complaints) > 0 {
		t.Errorf("the browser complains: %q", complaints)
	}
	pdf, err := p.PDF()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name+".pdf"), pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		t.Errorf("printed, it is no PDF: %.20q", pdf)
	}
}

// Scripts of the pointer and the fingers of a reader.
const (
	// Moved over, each plot marks something and tells its values, in a tip within the page.
	silentPlots = `[...document.querySelectorAll(".plot")].filter(plot => {
		plot.scrollIntoView({ block: "center" });
		const over = plot.querySelector(".u-over"), tip = plot.querySelector(".tip"), { left, top, width, height } = over.getBoundingClientRect();
		const told = new Set();
		for (let x = 0.05; x < 1; x += 0.1) for (let y = 0.05; y < 1; y += 0.1) {
			over.dispatchEvent(new MouseEvent("mousemove", { bubbles: true, clientX: left + x * width, clientY: top + y * height }));
			if (tip.style.display !== "block") continue;
			const t = tip.getBoundingClientRect();
			if (plot.querySelector(".chosen").style.display === "block" && t.left >= 0 && t.right <= innerWidth) told.add(tip.textContent);
		}
		over.dispatchEvent(new MouseEvent("mouseleave", { bubbles: true }));
		return told.size < 5 || tip.style.display === "block" || ![...told].every(t => /\d/.test(t));
	}).map(p => p.id)`

	// The keys go from one to the next, and Escape leaves.
	deafPlots = `[...document.querySelectorAll(".plot")].filter(plot => {
		const root = plot.querySelector(".uplot"), tip = plot.querySelector(".tip");
		const press = key => { root.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })); return tip.textContent; };
		const told = new Set([press("Home"), press("ArrowRight"), press("ArrowRight")]);
		const shown = tip.style.display === "block";
		press("Escape");
		return root.tabIndex !== 0 || !shown || told.size < 3 || tip.style.display === "block";
	}).map(p => p.id)`

	// Under a finger too.
	touch = `(over => { over.scrollIntoView({ block: "center" });
		const { left, top, width, height } = over.getBoundingClientRect();
		over.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, pointerType: "touch", clientX: left + width / 2, clientY: top + height / 2 }));
		return over.closest(".plot").querySelector(".tip").style.display;
	})(document.querySelector("#throughput .u-over"))`

	// Of each plot the buttons, at how many heights they are.
	rowsOfButtons = `[...document.querySelectorAll(".buttons")].map(b => new Set([...b.children].map(c => c.offsetTop)).size)`

	// Tables that scroll can be reached with the keys, and are named; others cannot.
	badScrollers = `[...document.querySelectorAll(".scroll")].filter(s => s.offsetWidth &&
		(s.tabIndex === 0) !== (s.scrollWidth > s.clientWidth) || !s.getAttribute("aria-label")).length`

	// What is written on the plots from now on.
	recordTexts = `window.written = []; (fillText => CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
		written.push({ plot: this.canvas.closest(".plot").id, text });
		fillText.call(this, text, ...at);
	})(CanvasRenderingContext2D.prototype.fillText); true`

	// The closer look, far into the middle.
	zoomIn = `(async buttons => {
		for (const i of [4, 2, 2, 2, 2, 2]) {
			written = [];
			buttons[i].click();
			await new Promise(requestAnimationFrame);
		}
		return true;
	})(document.querySelector("#close .buttons").children)`
)

// The values of every plot show under the pointer, a finger and the keys.
func tellValues(t *testing.T, p *browser.Page) {
	if silent := value[[]string](t, p, silentPlots); len(silent) > 0 {
		t.Errorf("plots without values under the pointer: %q", silent)
	}
	if deaf := value[[]string](t, p, deafPlots); len(deaf) > 0 {
		t.Errorf("plots without values for the keys: %q", deaf)
	}
	expect(t, p, touch, "block")
	for _, rows := range value[[]int](t, p, rowsOfButtons) {
		if rows != 1 {
			t.Errorf("buttons in %d rows", rows)
		}
	}
	expect(t, p, badScrollers, 0)
}

// The closer look has the requests of each replica in a lane, with their seqs, of the
// same time as the plot above, and no labels of what was at another time.
func showLanes(t *testing.T, b *browser.Browser) {
	data := page(t, named(t, "correct"), 5000, "en")
	total := data.Result.Run.Total
	moment := func(part float64) report.Moment { return report.Moment{Seconds: part * total} }
	data.Annotations = []report.Annotation{{From: moment(0.01), To: moment(0.02), Label: "early"},
		{From: moment(0.4), To: moment(0.6), Label: "middle"}, {From: moment(0.98), To: moment(0.99), Label: "late"}}
	p := labtest.Page(t, b, "lanes", write(t, data), browser.View{Width: 1280, Height: 1200})
	expect(t, p, recordTexts, true)
	expect(t, p, zoomIn, true)
	for _, id := range []string{"close", "lanes"} {
		expect(t, p, `written.filter(w => w.plot === "`+id+`" && /^[a-z]{4,}$/.test(w.text)).map(w => w.text).join()`, "middle")
	}
	for _, r := range data.Result.Run.Replicas {
		name := strings.TrimPrefix(r.URL, "http://")
		expect(t, p, `written.some(w => w.plot === "lanes" && w.text === "`+name+`")`, true)
	}
	expect(t, p, `written.filter(w => w.plot === "lanes" && /^(seq )?[1-9][\d\u202f]*( · .*)?$/.test(w.text)).length > 5`, true)
}

// A button beside a contradiction shows it in the plot.
func showContradiction(t *testing.T, b *browser.Browser) {
	url := write(t, page(t, named(t, "stale-replica"), 1000, "en"))
	p := labtest.Page(t, b, "contradiction", url, browser.View{})
	expect(t, p, `document.querySelectorAll(".odd, .gap").length > 0`, true)
	if err := p.Click("[data-violation]"); err != nil {
		t.Fatal(err)
	}
	const inView = `(r => r.top >= 0 && r.bottom <= innerHeight)(document.querySelector("#close canvas").getBoundingClientRect())`
	if err := p.Wait(inView); err != nil {
		t.Error(err)
	}
}

func value[T any](t *testing.T, p *browser.Page, expression string) T {
	t.Helper()
	v, err := browser.Eval[T](p, expression)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func expect[T comparable](t *testing.T, p *browser.Page, expression string, want T) {
	t.Helper()
	if got := value[T](t, p, expression); got != want {
		t.Errorf("%s = %v, want %v", expression, got, want)
	}
}

var (
	windows = regexp.MustCompile(`(?m)^   [ >] +~?\d+  .*$`) // other people's texts
	quoted  = regexp.MustCompile(`"(?:[^"\\]|\\.)*(?:"|…)|https?://\S+|№?\bhttps?\b|…?[\d.]*:\d+`)
	markup  = regexp.MustCompile(`(?s)<script.*?</script>|<style.*?</style>|<footer.*?</footer>|` +
		`<span class="x.*?</td>|<noscript>|</noscript>|<[^>]*>`)
	hidden = regexp.MustCompile(`(?:aria-label|title|data-alt)="([^"]*)"`)
	latin  = regexp.MustCompile(`[A-Za-z][A-Za-z_'-]+`)
)

// identifiers are the same in every language.
var identifiers = []string{
	"seq", "sender_count", "sent_at", "HTTP", "JavaScript", "Go", "p", "ms", "seed", "stream", "UTC",
	"SELECT", "FOR", "UPDATE", "WHERE", "ORDER", "BY", "DESC", "LIMIT", "COUNT", "MAX", "UNIQUE", "IDENTITY", "AUTOINCREMENT", "CACHE",
	"BEGIN", "IMMEDIATE", "SQLite", "PostgreSQL", "MySQL", "UTF-", "utf", "mb", "xx", "clock_timestamp", "timestamptz", "now", "id", "hi", "lo",
	"Idempotency-Key", "not_stored", "utc_offset", "window", "sender",
	"Alice", "Bob", "Grace", "Hopper", "O'Brien", "Linus", "T", "Z",
}

// Every violation that the verifier finds has a Russian text, in the terminal
// and in the report.
func TestRussianWhateverIsFound(t *testing.T) {
	for _, s := range slices.Concat(faulty.Correct, faulty.All) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			p := page(t, &s, 600, "ru")
			run := p.Result.Run.ID
			for i := range p.Result.Run.Failures {
				p.Result.Run.Failures[i].First = "" // what could not be read is told in English
			}
			var text, document bytes.Buffer
			if err := report.WriteText(&text, p.Result, report.Style{Lang: "ru"}); err != nil {
				t.Fatal(err)
			}
			if err := report.WriteHTML(&document, p); err != nil {
				t.Fatal(err)
			}
			page := document.String()
			var seen strings.Builder
			seen.WriteString(html.UnescapeString(markup.ReplaceAllString(page, " ")))
			for _, m := range hidden.FindAllStringSubmatch(page, -1) {
				seen.WriteString(" " + m[1])
			}
			for where, said := range map[string]string{"text": text.String(), "page": seen.String()} {
				said = strings.ReplaceAll(quoted.ReplaceAllString(windows.ReplaceAllString(said, ""), " "), run, " ")
				for _, word := range latin.FindAllString(said, -1) {
					if !slices.Contains(identifiers, word) {
						i := strings.Index(said, word)
						t.Errorf("the %s says %q: …%s…", where, word, said[max(0, i-80):min(len(said), i+80)])
					}
				}
				if strings.Contains(said, "%!") {
					t.Errorf("the %s has a broken format:\n%s", where, said)
				}
			}
		})
	}
}
