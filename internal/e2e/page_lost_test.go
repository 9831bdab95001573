package e2e

import (
	"fmt"
	"strings"
	"testing"

	"dummymessenger/internal/lab/browser"
	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/netfault"
)

// proxied is a network to a replica that can fail.
func proxied(t *testing.T, replicaURL string) *netfault.Proxy {
	t.Helper()
	proxy, err := netfault.Listen(strings.TrimPrefix(replicaURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	return proxy
}

func (w window) isLost() {
	w.t.Helper()
	w.wait(`document.getElementById("state").dataset.state === "lost" && !document.getElementById("trouble").hidden`)
}

// Whatever takes the connection away, the page says so, and catches up without
// a gap, also with more than it shows at a time.
func pageCatchesUp(t *testing.T, b *browser.Browser) {
	rs := start(t, 2, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	proxy := proxied(t, rs.urls()[0])
	w := openWindow(t, b, "page", "http://"+proxy.Addr(), browser.View{})
	w.isLive()
	mustPost(t, rs.urls()[1], "Anna", "before", "")
	w.shows("before")

	total := int64(1)
	for _, fault := range []struct {
		name       string
		begin, end func()
		missed     int
	}{
		{"the machine is offline", func() { w.must(w.Offline(true)) }, func() { w.must(w.Offline(false)) }, 25},
		{"the connection is cut", proxy.Cut, proxy.Heal, 25},
		{"the network is silent", proxy.BlackHole, proxy.Heal, 25},
		{"the replica restarts", func() { rs.stop(0) }, func() { rs.restart(0) }, 700},
	} {
		fault.begin()
		w.isLost()
		w.wait(`document.getElementById("trouble").textContent === "Connection lost. Reconnecting; you won't miss anything."`)
		for i := range fault.missed {
			total++
			mustPost(t, rs.urls()[1], "Anna", fmt.Sprintf("%s, %d", fault.name, i+1), "")
		}
		fault.end()
		w.isLive()
		w.shows(fmt.Sprintf("%s, %d", fault.name, fault.missed))
		seqs := w.seqs()
		if !inARow(seqs) || seqs[len(seqs)-1] != total {
			t.Errorf("after %s: messages %v are shown, want a row that ends in %d", fault.name, seqs, total)
		}
		if fault.missed < 100 && seqs[0] != 1 {
			t.Errorf("after %s: the first message is %d, want 1", fault.name, seqs[0])
		}
		if value[bool](w, `document.getElementById("trouble").hidden`) == false {
			t.Errorf("after %s: the page still says that it is lost", fault.name)
		}
	}
	w.isQuiet("network:")
}

// A message whose answer is lost is sent again by the page, and stored once.
func pageSendsOnce(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	proxy := proxied(t, rs.urls()[0])
	w := openWindow(t, b, "page", "http://"+proxy.Addr(), browser.View{})
	w.isLive()
	proxy.ResetOn(netfault.FromServer, `{"messages":[`, 2) // the answers of the first two tries
	w.write("Anna", "only once")
	w.shows("only once")
	mustPost(t, rs.urls()[0], "Boris", "the next", "")
	w.shows("the next")
	if left := proxy.Armed(); left != 0 {
		t.Errorf("%d answers were not lost", left)
	}
	if got := w.messages(); len(got) != 2 {
		t.Errorf("the log reads %q, want two messages", got)
	}
	w.isQuiet("network:")
}

// The page shows what the server refuses and what to do about it, and keeps the text.
func pageSaysWhatIsWrong(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	w := openWindow(t, b, "page", rs.urls()[0], browser.View{})
	w.isLive()
	w.must(w.Click("#text"))
	w.must(w.Type("hello"))
	w.must(w.Press(browser.Enter))
	w.fails("Enter your name first")
	w.wait(`document.querySelectorAll("[aria-invalid=true]").length === 1 && document.activeElement.ariaInvalid === "true"`)
	w.must(w.Type("An\u200bna\u0007")) // the focus is where something is missing
	w.must(w.Press(browser.Enter))
	w.fails("control character U+0007")
	if got := value[string](w, `document.getElementById("text").value`); got != "hello" {
		t.Errorf("the text is now %q; want it kept", got)
	}
	labtest.Picture(t, w.Page, "refused")
	w.must(w.Click("#language"))
	w.fails("Не отправлено")
	w.must(w.Click("#name"))
	w.must(w.PressShift(browser.Home))
	w.must(w.Type(strings.Repeat("И\u0306", 65))) // 65 letters, 130 characters until NFC
	w.must(w.Press(browser.Enter))
	w.fails("65 знаков")
	w.must(w.Press(browser.Backspace))
	w.must(w.Press(browser.Backspace))
	w.must(w.Press(browser.Enter))
	w.shows("hello")
	w.isQuiet("network: Failed to load resource: the server responded with a status of 422")
}

// Everything can be done with a keyboard.
func pageByKeyboard(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	for i := range 130 {
		mustPost(t, rs.urls()[0], "Boris", fmt.Sprint("number ", i+1), "")
	}
	w := openWindow(t, b, "page", rs.urls()[0], browser.View{Height: 600, Width: 900})
	w.isLive()
	w.shows("number 130")
	focus := func(want string) {
		t.Helper()
		w.wait(fmt.Sprintf(`document.activeElement.id === %s`, quoted(want)))
	}
	// A newcomer begins with the name, and goes on to the text.
	focus("name")
	w.must(w.Type("Анна"))
	w.must(w.Press(browser.Tab))
	focus("text")
	w.must(w.Type("first line"))
	w.must(w.PressShift(browser.Enter))
	w.must(w.Type("second line"))
	w.must(w.Press(browser.Enter))
	w.shows("first line\nsecond line")
	focus("text")
	w.must(w.Press(browser.Tab))
	focus("send")

	// Backwards to the messages, and through them to the first one.
	for range 3 {
		w.must(w.PressShift(browser.Tab))
	}
	for value[string](w, `document.activeElement.id`) != "scroller" {
		w.must(w.PressShift(browser.Tab))
	}
	w.press(browser.Home, `document.querySelector(".message").dataset.seq === "1"`)
	if seqs := w.seqs(); seqs[0] != 1 || !inARow(seqs) || len(seqs) != 131 {
		t.Errorf("reading back shows %v, want 1 to 131", seqs)
	}

	// Meanwhile another person writes. The reader's view does not move, and shows that
	// there are new messages.
	w.press(browser.Home, `document.getElementById("scroller").scrollTop === 0`)
	mustPost(t, rs.urls()[0], "Boris", "are you there?", "")
	w.wait(`!document.getElementById("jump").hidden && document.getElementById("jump").textContent.includes("1 new message")`)
	if top := value[float64](w, `document.getElementById("scroller").scrollTop`); top != 0 {
		t.Errorf("the page scrolled to %v while somebody read at the top", top)
	}
	w.must(w.Press(browser.Tab))
	for value[string](w, `document.activeElement.id`) != "jump" {
		w.must(w.Press(browser.Tab))
	}
	w.must(w.Press(browser.Enter))
	w.wait(`document.getElementById("jump").hidden`)
	w.shows("are you there?")

	// The language and the name are remembered.
	w.must(w.Reload())
	w.isLive()
	focus("text")
	for value[string](w, `document.activeElement.id`) != "language" {
		w.must(w.PressShift(browser.Tab))
	}
	w.must(w.Press(browser.Enter))
	w.must(w.Reload())
	w.wait(`document.documentElement.lang === "ru" && document.getElementById("name").value === "Анна"`)
	w.isQuiet()
}

// A reader learns that older messages could not be loaded, and can try again.
// One who is far back, while more is written than the page keeps, can read all
// of it on.
func pageReadsBackAndOn(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	postMany := func(n int) {
		for i := range n {
			mustPost(t, rs.urls()[0], []string{"Boris", "Zoë"}[i%2], fmt.Sprint("text ", i), "") // in turn: one's are shown closer together
		}
	}
	postMany(30)
	proxy := proxied(t, rs.urls()[0])
	w := openWindow(t, b, "page", "http://"+proxy.Addr(), browser.View{Height: 600, Width: 900})
	w.isLive()
	w.wait(`document.querySelectorAll(".message").length >= 10`)
	older := `document.getElementById("older")`
	proxy.Cut()
	w.isLost() // what the page says of it moves the button
	w.must(w.Click("#older"))
	w.wait(older + `.textContent.includes("could not be loaded") && !` + older + `.disabled`)
	proxy.Heal()
	w.isLive()
	w.wait(`document.getElementById("trouble").hidden`)
	w.must(w.Click("#older"))
	w.wait(older + `.textContent === "Show older messages"`)
	value[bool](w, `(document.getElementById("scroller").scrollTo(0, 0), true)`)
	w.wait(`document.querySelector(".message")?.dataset.seq === "1"`)
	value[bool](w, `(document.getElementById("scroller").scrollTo(0, 0), true)`)
	postMany(600)
	w.wait(`document.getElementById("jump").textContent.includes("600 new messages")`)

	seen := map[int64]bool{}
	for seqs := w.seqs(); ; seqs = w.seqs() {
		if !inARow(seqs) || len(seqs) > 400 {
			t.Fatalf("%d messages are in the document: %v; want a row of at most 400", len(seqs), seqs)
		}
		for _, seq := range seqs {
			seen[seq] = true
		}
		last := seqs[len(seqs)-1]
		if last == 630 {
			break
		}
		value[bool](w, `(document.getElementById("scroller").scrollTo(0, 1e9), true)`)
		w.wait(fmt.Sprintf(`Number(Array.from(document.querySelectorAll(".message")).at(-1).dataset.seq) > %d`, last))
	}
	if len(seen) != 630 {
		t.Errorf("%d messages were seen on the way, want all 630", len(seen))
	}
	w.isQuiet("network:")
}
