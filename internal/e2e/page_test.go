package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/lab/browser"
	"dummymessenger/internal/lab/labtest"
)

// A window is a page in a browser, used by a person.
type window struct {
	*browser.Page
	t *testing.T
}

func openWindow(t *testing.T, b *browser.Browser, name, url string, v browser.View) window {
	t.Helper()
	return window{labtest.Page(t, b, name, url, v), t}
}

func (w window) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w window) wait(expression string) {
	w.t.Helper()
	w.must(w.Wait(expression))
}

func value[T any](w window, expression string) T {
	w.t.Helper()
	v, err := browser.Eval[T](w.Page, expression)
	w.must(err)
	return v
}

// press presses key until a condition holds: a scroll that has not ended may
// swallow the press, and a person would press again.
func (w window) press(key, condition string) {
	w.t.Helper()
	eventually(w.t, condition, func() bool {
		if value[bool](w, condition) {
			return true
		}
		w.must(w.Press(key))
		return false
	})
}

func (w window) isLive() {
	w.t.Helper()
	w.wait(`document.getElementById("state").dataset.state === "live"`)
}

// seqs are the numbers of the messages in the document.
func (w window) seqs() []int64 {
	w.t.Helper()
	return value[[]int64](w, `Array.from(document.querySelectorAll(".message"), m => Number(m.dataset.seq))`)
}

// messages are what the document shows of each: number, sender, count and text.
func (w window) messages() []string {
	w.t.Helper()
	return value[[]string](w, `Array.from(document.querySelectorAll(".message"), m =>
		[".seq", ".sender", ".nth", ".text"].map(part => m.querySelector(part).textContent).join(" | "))`)
}

// shows waits until the newest message in the document has this text.
func (w window) shows(text string) {
	w.t.Helper()
	w.wait(fmt.Sprintf(`Array.from(document.querySelectorAll(".message .text")).at(-1)?.textContent === %s`, quoted(text)))
}

// write types the name and the text and presses Enter.
func (w window) write(name, text string) {
	w.t.Helper()
	w.must(w.Click("#name"))
	value[bool](w, `(document.getElementById("name").select(), true)`)
	w.must(w.Type(name))
	w.must(w.Press(browser.Tab))
	w.wait(`document.activeElement.id === "text"`)
	w.must(w.Type(text))
	w.wait(`document.getElementById("text").value === ` + quoted(text)) // it comes by another way than keys do
	w.must(w.Press(browser.Enter))
	if err := w.Wait(`document.getElementById("text").value === ""`); err != nil {
		w.t.Fatalf("%v; the form: %s", err, value[string](w, `JSON.stringify({
			focus: document.activeElement.id, hasFocus: document.hasFocus(), visibility: document.visibilityState,
			name: document.getElementById("name").value, text: document.getElementById("text").value,
			readOnly: document.getElementById("text").readOnly, failure: document.getElementById("failure").textContent,
			state: document.getElementById("state").textContent,
			requests: performance.getEntriesByType("resource").filter(e => /messages|events/.test(e.name)).slice(-6)
				.map(e => [e.name, e.startTime, e.duration, e.responseStatus]),
			now: performance.now()})`))
	}
}

// isQuiet checks that the browser had nothing to complain of but failed requests,
// where the test caused them.
func (w window) isQuiet(allowed ...string) {
	w.t.Helper()
	for _, complaint := range w.Complaints() {
		if !slices.ContainsFunc(allowed, func(prefix string) bool { return strings.HasPrefix(complaint, prefix) }) {
			w.t.Errorf("the browser complains: %s", complaint)
		}
	}
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func inARow(seqs []int64) bool {
	for i := range seqs {
		if seqs[i] != seqs[0]+int64(i) {
			return false
		}
	}
	return true
}

// A pageTest is a test of the pages.
type pageTest struct {
	name string
	run  func(*testing.T, *browser.Browser)
}

// The pages are tested in one browser. Tests that wait for the pages' time-outs
// run side by side; the others one after the other, since they would only wait
// for the browser in the places of tests that could run.
func TestPage(t *testing.T) {
	t.Parallel()
	b := labtest.Browser(t)
	for _, test := range []pageTest{
		{"catches up", pageCatchesUp},
		{"takes only our answers", pageTakesOnlyOurAnswers},
		{"waits no hour", pageWaitsNoHour},
		{"many windows", pageManyWindows},
		{"views", pageViews},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, b)
		})
	}
	t.Run("in turn", func(t *testing.T) {
		t.Parallel()
		for _, test := range []pageTest{
			{"two replicas on SQLite", func(t *testing.T, b *browser.Browser) {
				pageTwoReplicas(t, b, sqliteDatabase(t.ArtifactDir()+"/messages.db"))
			}},
			{"two replicas on PostgreSQL", func(t *testing.T, b *browser.Browser) {
				pageTwoReplicas(t, b, postgresDatabase(labtest.Database(t)))
			}},
			{"shows messages soon", pageShowsMessagesSoon},
			{"hostile messages", pageHostileMessages},
			{"asks for the token", pageAsksForTheToken},
			{"sends once", pageSendsOnce},
			{"says what is wrong", pageSaysWhatIsWrong},
			{"by keyboard", pageByKeyboard},
			{"reads back and on", pageReadsBackAndOn},
			{"input method", pageInputMethod},
			{"groups", pageGroups},
			{"ten on a phone", pageTenOnAPhone},
			{"links", pageLinks},
			{"theme", pageTheme},
			{"docs' language", pageDocsLanguage},
			{"docs without script", pageDocsWithoutScript},
			{"docs' examples", pageDocsExamples},
			{"docs' form", pageDocsTryIt},
			{"docs' views", pageDocsViews},
			{"status plots", pageStatusPlots},
			{"windows of two tokens", pageWindowsOfTwoTokens},
			{"behind nginx", func(t *testing.T, b *browser.Browser) { pageBehindProxy(t, b, startNginx) }},
			{"behind Caddy", func(t *testing.T, b *browser.Browser) { pageBehindProxy(t, b, startCaddy) }},
		} {
			t.Run(test.name, func(t *testing.T) { test.run(t, b) })
		}
	})
}

// Two people at two replicas write, and the load client does, too, all at the
// same time. Both see the one order of the log.
func pageTwoReplicas(t *testing.T, b *browser.Browser, db database) {
	rs := start(t, 2, db.url)
	left := openWindow(t, b, "left", rs.urls()[0], browser.View{})
	right := openWindow(t, b, "right", rs.urls()[1], browser.View{Language: "ru", Timezone: "Europe/Moscow"})
	windows := []window{left, right}
	for _, w := range windows {
		w.isLive()
	}
	left.write("Анна", "привет")
	right.shows("привет")
	right.write("Boris", "hello")
	left.shows("hello")

	const requests = 120 // with the rest fewer than a window holds
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	args := []string{"--workers", "4", "--requests", fmt.Sprint(requests), "--no-tui"}
	load := exec.CommandContext(ctx, program("client"), append(args, rs.urls()...)...)
	loaded := make(chan error, 1)
	go func() {
		out, err := load.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("the client: %w\n%s", err, out)
		}
		loaded <- err
	}()
	for i := range 5 {
		left.write("Анна", fmt.Sprint("слева ", i))
		right.write("Boris", fmt.Sprint("right ", i))
	}
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	left.write("Анна", "конец")

	table := db.table(t)
	want := len(table)
	for _, w := range windows {
		w.shows("конец")
		if seqs := w.seqs(); !inARow(seqs) || len(seqs) != want || seqs[0] != 1 {
			t.Errorf("the window shows the messages %v, want 1 to %d", seqs, want)
		}
		texts := value[[]string](w, `Array.from(document.querySelectorAll(".message .text"), m => m.textContent)`)
		for i, m := range table {
			if i < len(texts) && texts[i] != m.Text {
				t.Errorf("message %d reads %q, want %q", m.Seq, texts[i], m.Text)
			}
		}
		w.isQuiet()
	}
	if got, want := left.messages()[0], "#1 | Анна | 1st message | привет"; got != want {
		t.Errorf("the first message reads %q, want %q", got, want)
	}
	if got, want := right.messages()[0], "#1 | Анна | 1-е сообщение | привет"; got != want {
		t.Errorf("the first message reads %q, want %q", got, want)
	}
}

// A message is seen at another replica within half a second. The bound that is
// tested is a generous one, for machines that do ten things at once.
func pageShowsMessagesSoon(t *testing.T, b *browser.Browser) {
	rs := start(t, 2, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	w := openWindow(t, b, "page", rs.urls()[0], browser.View{})
	w.isLive()
	var took []time.Duration
	for i := range 20 {
		text := fmt.Sprint("number ", i)
		// The clock is the page's own, from before the message is sent.
		seen := make(chan float64, 1)
		value[bool](w, `(window.begun = performance.now()) > 0`)
		go func() {
			ms, err := browser.Eval[float64](w.Page, fmt.Sprintf(`new Promise(done => {
				const look = () => Array.from(document.querySelectorAll(".text")).at(-1)?.textContent === %s
					? done(performance.now() - begun) : setTimeout(look, 5);
				look();
			})`, quoted(text)))
			if err != nil {
				ms = -1
			}
			seen <- ms
		}()
		mustPost(t, rs.urls()[1], "Anna", text, "")
		ms := <-seen
		if ms < 0 {
			t.Fatalf("%q was never seen", text)
		}
		took = append(took, time.Duration(ms*float64(time.Millisecond)))
	}
	slices.Sort(took)
	t.Logf("from before a POST at one replica to its text in the page of the other: median %v, slowest of %d %v",
		took[len(took)/2], len(took), took[len(took)-1])
	if median := took[len(took)/2]; median > 2*time.Second {
		t.Errorf("half of the messages took more than %v to be seen", median)
	}
}

// What cannot be seen without a message and with many, in each view, is looked
// at by a person: go test -artifacts keeps the pictures.
func pageViews(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	at := rs.urls()[0]
	empty := openWindow(t, b, "empty", at, browser.View{})
	empty.isLive()
	empty.wait(`!document.getElementById("empty").hidden`)
	labtest.Picture(t, empty.Page, "empty")

	for i, m := range conversation {
		mustPost(t, at, m[0], m[1], fmt.Sprint("conversation-", i))
	}
	phone := browser.Phone
	phone.Language = "ru"
	darkPhone := phone
	darkPhone.Dark = true
	for name, v := range map[string]browser.View{
		"light": {}, "dark": {Dark: true}, "wide-ru": {Width: 1680, Height: 1000, Language: "ru", Timezone: "Europe/Moscow"},
		"phone": phone, "phone-dark": darkPhone, "narrow": {Width: 320, Height: 568, Scale: 2, Touch: true},
	} {
		w := openWindow(t, b, name, at, v)
		w.isLive()
		w.shows(conversation[len(conversation)-1][1])
		w.fits(name)
		labtest.Picture(t, w.Page, name)
		w.isQuiet()

		s := openWindow(t, b, "status-"+name, at+"/status", v)
		s.isLive()
		s.wait(`document.querySelectorAll("#throughput path").length > 0`)
		s.fits("status-" + name)
		labtest.Picture(t, s.Page, "status-"+name)
		s.isQuiet()
	}
}

var conversation = [][2]string{
	{"Anna", "Good morning! Is the second replica up already?"},
	{"Борис", "Доброе утро. Да, с восьми часов — и обе пишут в один журнал."},
	{"Anna", "Then let me see whether you see this at once."},
	{"Борис", "Вижу. Номер тот же, порядок тот же."},
	{"Zoë", "Same here, from the other window.\nI am on 127.0.0.1:8002, you are on :8001 — and nothing is missing in between."},
	{"Anna", "I pulled the plug for a minute and when it came back, everything that you had written meanwhile was there. In order, too."},
	{"Мария Ивановна", "А длинные сообщения? Например, такое, которое не помещается в одну строку, " +
		"потому что в нём много слов, и все они нужны, чтобы увидеть, как переносятся строки на узком экране."},
	{"李雷", "你好！"},
	{"Борис", "👍"},
	{"ليلى", "مرحبا بالجميع، هل يظهر هذا النص من اليمين إلى اليسار؟"},
	{"Anna", "It does. " +
		"https://example.org/a/very/long/link/that/has/no/place/at/which/it/could/be/broken/into/lines/so/it/is/broken/anywhere"},
	{"Zoë", "Lunch?"},
}

// hostile are messages that try to be more than text.
var hostile = [][2]string{
	{"<b>Mallory</b>", `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`},
	{"\u202eannA", "\u202egnirts a \u2066fo sdrow eht lla srettel\u202d and \u202eon"},
	{"Anna\u200b", "zero\u200bwidth\u200b \ufeff\u2060 space"},
	{"\u200b\u2060", "a name that cannot be seen"},
	{"Zalgo", strings.Repeat("Z\u0310\u0311\u0312\u0313\u0314\u0315\u0316\u0317\u0318\u0319\u031a\u031b\u0323\u0324\u0325", 40)},
	{"Loud", strings.Repeat("😀", 4096)},
	{"Wide", strings.Repeat("W", 4096)},
	{"Lines", strings.Repeat("\n", 4095) + "."},
	{"\"'&<>`", "javascript:alert(1) \u2028 \u2029 &lt;b&gt; \r\n id: 7\ndata: {}\n\n"},
	{"Anna", "the last one"},
}

func pageHostileMessages(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	w := openWindow(t, b, "page", rs.urls()[0], browser.View{})
	w.isLive()
	for _, m := range hostile {
		mustPost(t, rs.urls()[0], m[0], m[1], "")
	}
	check := func() {
		t.Helper()
		w.shows("the last one")
		texts := value[[]string](w, `Array.from(document.querySelectorAll(".text"), e => e.textContent)`)
		for i, m := range hostile {
			if i >= len(texts) || texts[i] != m[1] {
				t.Errorf("message %d does not read as it was written", i+1)
			}
		}
		const elements = `document.querySelectorAll(".message img, .message script, .message b, .message iframe").length`
		if got := value[int](w, elements); got != 0 {
			t.Errorf("messages became %d elements", got)
		}
		if got := value[string](w, "document.title"); got != "DummyMessenger" {
			t.Errorf("the title is %q: a script ran", got)
		}
		// Reversed or stacked characters stay within their own message, and nothing is too wide.
		if over := value[float64](w, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
			t.Errorf("the page is %v points too wide", over)
		}
		names := value[[]string](w, `Array.from(document.querySelectorAll(".sender"), e => e.textContent)`)
		want := []string{"<b>Mallory</b>", "U+202EannA", "AnnaU+200B", "U+200BU+2060", "Zalgo", "Loud", "Wide", "Lines", "\"'&<>`", "Anna"}
		if !slices.Equal(names, want) {
			t.Errorf("the senders read %q, want %q", names, want)
		}
		if got := value[int](w, `Array.from(document.querySelectorAll(".message")).filter(m => m.offsetHeight > 520).length`); got != 0 {
			t.Errorf("%d messages fill the whole page", got)
		}
	}
	check()
	labtest.Picture(t, w.Page, "hostile")
	w.must(w.Reload()) // as history this time
	w.isLive()
	check()
	w.must(w.Click(".text.long + button"))
	w.wait(`document.querySelectorAll(".text.long").length === 2`)
	w.isQuiet()
}

// A server that wants a token gets it from the person.
func pageAsksForTheToken(t *testing.T, b *browser.Browser) {
	file := t.TempDir() + "/tokens"
	if err := os.WriteFile(file, []byte("s3cret-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url, "--token-file", file)
	w := openWindow(t, b, "page", rs.urls()[0], browser.View{})
	w.wait(`document.getElementById("token").open`)
	w.must(w.Type("wrong"))
	w.must(w.Press(browser.Enter))
	w.wait(`document.getElementById("token").open && document.getElementById("token-why").textContent.includes("does not know")`)
	w.must(w.Press(browser.Escape)) // there is no way past it
	w.wait(`document.getElementById("token").open`)
	w.must(w.Type("s3cret-token"))
	labtest.Picture(t, w.Page, "token")
	w.must(w.Press(browser.Enter))
	w.isLive()
	w.write("Anna", "let in")
	w.shows("let in")
	w.must(w.Reload())
	w.shows("let in") // the tab remembers it

	stored := value[string](w, `JSON.stringify(localStorage) + document.cookie`)
	if strings.Contains(stored, "s3cret") {
		t.Errorf("the token is kept for longer than the tab: %s", stored)
	}
	stranger := openWindow(t, b, "stranger", rs.urls()[0], browser.View{})
	stranger.wait(`document.getElementById("token").open`)
	if got := stranger.seqs(); len(got) != 0 {
		t.Errorf("without a token, messages %v are shown", got)
	}
	status := openWindow(t, b, "status", rs.urls()[0]+"/status", browser.View{})
	status.isLive() // shows no messages
	w.isQuiet("network: Failed to load resource: the server responded with a status of 401")
}
