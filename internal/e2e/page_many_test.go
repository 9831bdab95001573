package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"

	"dummymessenger/internal/lab/browser"
)

// openBeside opens one more window of the same person.
func (w window) openBeside(url string) window {
	w.t.Helper()
	p, err := w.OpenBeside(url, browser.View{})
	w.must(err)
	w.t.Cleanup(p.Close)
	return window{p, w.t}
}

// watchers is how many streams a replica has open.
func watchers(t *testing.T, replica string) int {
	t.Helper()
	response, err := http.Get(replica + "/status.json")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var status struct{ Watchers int }
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		t.Fatal(err)
	}
	return status.Watchers
}

// More windows than a browser opens connections are all live, can all send and
// see all messages, also when the one is closed whose stream they share.
func pageManyWindows(t *testing.T, b *browser.Browser) {
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url)
	at := rs.urls()[0]
	person := openWindow(t, b, "person", at+"/docs", browser.View{}) // keeps the browser's profile
	var windows []window
	for range 8 {
		w := person.openBeside(at)
		windows = append(windows, w)
		w.isLive()
	}
	eventually(t, "one stream for all windows", func() bool { return watchers(t, at) == 1 })

	total := 0
	everybodyWrites := func(when string) {
		for i, w := range windows {
			total++
			w.write("Anna", fmt.Sprintf("%s, window %d", when, i))
		}
		for i, w := range windows {
			w.wait(fmt.Sprintf(`Number(Array.from(document.querySelectorAll(".message")).at(-1)?.dataset.seq) === %d`, total))
			if seqs := w.seqs(); len(seqs) != total || !inARow(seqs) || seqs[0] != 1 {
				t.Errorf("%s: window %d shows the messages %v, want 1 to %d", when, i, seqs, total)
			}
		}
	}
	everybodyWrites("at first")
	for len(windows) > 6 {
		windows[0].Close()
		windows = windows[1:]
		everybodyWrites(fmt.Sprintf("without %d", 8-len(windows)))
	}

	// What was written while there was no server, and the next one has it, is seen by all.
	rs.stop(0)
	for _, w := range windows {
		w.isLost()
	}
	rs.restart(0)
	for i := range 30 {
		total++
		mustPost(t, at, "Boris", fmt.Sprint("meanwhile ", i), "")
	}
	for _, w := range windows {
		w.isLive()
	}
	everybodyWrites("after a restart")
	eventually(t, "one stream for all windows", func() bool { return watchers(t, at) == 1 })
	for _, w := range windows {
		w.isQuiet("network:")
	}
}

// Windows with different tokens share nothing: one without a token sees no messages,
// and one goes on when another's token is withdrawn.
func pageWindowsOfTwoTokens(t *testing.T, b *browser.Browser) {
	file := t.TempDir() + "/tokens"
	tokens := func(lines string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	tokens("first-token\nsecond-token\n")
	rs := start(t, 1, sqliteDatabase(t.ArtifactDir()+"/messages.db").url, "--token-file", file)
	at := rs.urls()[0]
	person := openWindow(t, b, "person", at+"/docs", browser.View{})
	var windows []window
	for i, token := range []string{"first-token", "second-token", "second-token"} {
		w := person.openBeside(at)
		w.wait(`document.getElementById("token").open`)
		if got := w.seqs(); len(got) != 0 {
			t.Errorf("window %d shows the messages %v without a token", i, got)
		}
		w.must(w.Type(token))
		w.must(w.Press(browser.Enter))
		w.isLive()
		w.write("Anna", fmt.Sprint("window ", i))
		windows = append(windows, w)
	}
	eventually(t, "one stream for each token", func() bool { return watchers(t, at) == 2 })
	tokens("second-token\n")
	windows[2].write("Anna", "the end")
	for _, w := range windows[1:] {
		w.shows("the end")
		if seqs := w.seqs(); !inARow(seqs) || seqs[0] != 1 || len(seqs) != 4 {
			t.Errorf("a window shows the messages %v, want 1 to 4", seqs)
		}
		w.isQuiet("network: Failed to load resource: the server responded with a status of 401")
	}
}
