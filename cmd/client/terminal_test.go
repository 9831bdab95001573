//go:build unix

package main

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
)

// A screen is a tmux server with one window. What is in it can be looked at,
// with all that has scrolled out of it.
type screen struct {
	t      *testing.T
	socket string
	target string
}

// newTerminal runs the client in a terminal of that size. Without tmux the
// test is skipped, or fails if the environment says CI=true.
func newTerminal(t *testing.T, width, height int, env []string, args ...string) *screen {
	t.Helper()
	if _, err := exec.LookPath("tmux"); errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") != "true" {
		t.Skip("there is no tmux; install the package tmux")
	}
	dir := t.TempDir()
	term := &screen{t: t, socket: filepath.Join(dir, "tmux"), target: "client"}
	command := []string{"env", asClient + "=1"}
	command = append(command, env...)
	command = append(command, os.Args[0])
	command = append(command, args...)
	// The client begins on the first row, where tmux would save to its history a
	// screen that is cleared as a whole. The last line shows that it has ended,
	// also after a ^C, which the shell gets too.
	line := "trap : INT; " + commandLine(command) + `; echo "status $?"; exec sleep 600`
	term.tmux("-f", "/dev/null", "new-session", "-d", "-s", term.target, "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "sh",
		"-c", line)
	t.Cleanup(func() { term.tmux("kill-server") })
	return term
}

func (term *screen) tmux(args ...string) string {
	term.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-u", "-S", term.socket}, args...)...).CombinedOutput()
	if err != nil {
		term.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// lines is all that the terminal shows and has shown.
func (term *screen) lines() []string {
	term.t.Helper()
	return strings.Split(strings.TrimRight(term.tmux("capture-pane", "-p", "-S", "-", "-t", term.target), "\n"), "\n")
}

// wait waits until a line of the terminal has text in it, and returns all lines.
func (term *screen) wait(text string) []string {
	term.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		lines := term.lines()
		if slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, text) }) {
			return lines
		}
	}
	term.t.Fatalf("the terminal never shows %q:\n%s", text, strings.Join(term.lines(), "\n"))
	return nil
}

// fits fails the test if a line is wider than width or the client uses the
// alternate screen.
func (term *screen) fits(lines []string, width int) {
	term.t.Helper()
	for _, line := range lines {
		if n := runewidth.StringWidth(line); n > width {
			term.t.Errorf("%d columns, want at most %d: %s", n, width, line)
		}
	}
	if term.tmux("display-message", "-p", "-t", term.target, "#{alternate_on}") != "0\n" {
		term.t.Error("the client has switched to the alternate screen")
	}
}

// one is the only line that contains text.
func one(t *testing.T, lines []string, text string) string {
	t.Helper()
	var found []string
	for _, line := range lines {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		t.Errorf("%d lines contain %q, want 1:\n%s", len(found), text, strings.Join(lines, "\n"))
		return ""
	}
	return found[0]
}

const utf8Locale = "LC_ALL=C.UTF-8"

// What the client shows while it runs stays above its result, once.
func TestTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{60, 80, 200} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			term := newTerminal(t, width, 50, []string{utf8Locale}, "-n", "3000", "--seed", "7", newReplica(t, m, nil),
				newReplica(t, m, nil))
			lines := term.wait("status ")
			term.fits(lines, width)
			one(t, lines, "status 0")
			one(t, lines, "entries cross-checked · 0 violations · 0 unknown")
			one(t, lines, "VERIFIED: every answer fits one shared log")
			if line := one(t, lines, "100 %"); !strings.HasPrefix(line, "█") {
				t.Errorf("no full bar: %s", line)
			}
			if i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "TOTAL TIME") }); i < 6 {
				t.Errorf("the result is in line %d, want it below the live view:\n%s", i, strings.Join(lines, "\n"))
			}
			if !strings.Contains(term.tmux("capture-pane", "-p", "-e", "-S", "-", "-t", term.target), "\x1b[32m") {
				t.Error("nothing is green")
			}
		})
	}
}

// In a pane of few lines no frame stays behind: one view is there, as high as fits.
func TestTerminalLow(t *testing.T) {
	t.Parallel()
	for _, height := range []int{2, 4, 6, 7} {
		t.Run(fmt.Sprint(height), func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			term := newTerminal(t, 80, height, []string{utf8Locale}, "--duration", "2s", newReplica(t, m, nil), newReplica(t, m, nil))
			lines := term.wait("status 0")
			if n, want := slices.Index(lines, ""), min(height-1, 6); n != want {
				t.Errorf("%d lines before the result, want %d:\n%s", n, want, strings.Join(lines, "\n"))
			}
		})
	}
}

// A replica that answers nothing is red, with the reason.
func TestTerminalSilentReplica(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	term := newTerminal(t, 80, 50, []string{utf8Locale}, "-n", "300", newReplica(t, newMemory(), nil), closed.URL)
	lines := term.wait("status ")
	if line := one(t, lines, "  connection refused"); !strings.HasPrefix(line, closed.URL) {
		t.Errorf("no reason beside the replica: %s", line)
	}
	if !strings.Contains(term.tmux("capture-pane", "-p", "-e", "-S", "-", "-t", term.target), "\x1b[31m"+closed.URL) {
		t.Error("the replica is not red")
	}
}

// A terminal may change its size at any time.
func TestTerminalResized(t *testing.T) {
	t.Parallel()
	m := newMemory()
	term := newTerminal(t, 200, 50, []string{utf8Locale}, "--duration", "1m", newReplica(t, m, nil), newReplica(t, m, nil))
	term.wait("entries cross-checked")
	for _, width := range []int{60, 120, 60} {
		term.tmux("resize-window", "-t", term.target, "-x", fmt.Sprint(width), "-y", "50")
	}
	term.wait("entries cross-checked")
	term.tmux("send-keys", "-t", term.target, "C-c")
	lines := term.wait("status ")
	term.fits(lines, 60)
	one(t, lines, "status 130")
	one(t, lines, "interrupted: waiting for the requests")
	one(t, lines, "VERIFIED: ")
}

// What a terminal cannot show, or its user does not want, is left out.
func TestTerminalPlain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env   []string
		args  []string
		live  bool // the live view is there
		ascii bool
		color bool
		lang  string
	}{
		"NO_COLOR":      {env: []string{utf8Locale, "NO_COLOR=1"}, live: true},
		"C locale":      {env: []string{"LC_ALL=C"}, live: true, ascii: true, color: true},
		"quiet":         {env: []string{utf8Locale}, args: []string{"--quiet"}, color: true},
		"no view":       {env: []string{utf8Locale}, args: []string{"--no-tui"}, color: true},
		"dumb":          {env: []string{utf8Locale, "TERM=dumb"}},
		"Russian":       {env: []string{"LC_ALL=ru_RU.UTF-8"}, live: true, color: true, lang: "ru"},
		"Russian flag":  {env: []string{utf8Locale}, args: []string{"--lang", "ru"}, live: true, color: true, lang: "ru"},
		"Russian and C": {env: []string{"LC_ALL=C"}, args: []string{"--lang", "ru"}, live: true, ascii: true, color: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			term := newTerminal(t, 80, 60, test.env, append(test.args, "-n", "1000", newReplica(t, m, nil), newReplica(t, m, nil))...)
			lines := term.wait("status ")
			term.fits(lines, 80)
			one(t, lines, "status 0")
			total, checked := "TOTAL TIME", "entries cross-checked"
			if test.lang == "ru" {
				total, checked = "ОБЩЕЕ ВРЕМЯ", "сверен"
			}
			one(t, lines, total)
			if live := slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, checked) }); live != test.live {
				t.Errorf("the live view is shown: %t, want %t\n%s", live, test.live, strings.Join(lines, "\n"))
			}
			text := strings.Join(lines, "\n")
			if i := strings.IndexFunc(text, func(r rune) bool { return r > '~' }); (i < 0) != test.ascii {
				t.Errorf("nothing but ASCII: %t, want %t\n%s", i < 0, test.ascii, text)
			}
			if color := strings.Contains(term.tmux("capture-pane", "-p", "-e", "-S", "-", "-t", term.target),
				"\x1b[3"); color != test.color {
				t.Errorf("colours: %t, want %t", color, test.color)
			}
		})
	}
}

// A terminal that does not tell its size gets plain lines.
func TestTerminalWithoutSize(t *testing.T) {
	t.Parallel()
	for _, size := range []string{"rows 0 cols 0", "rows 0 cols 80", "rows 24 cols 0"} {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			shrunk := []string{utf8Locale, "sh", "-c", "stty " + size + `; exec "$0" "$@"`}
			term := newTerminal(t, 80, 50, shrunk, "--duration", "1500ms", "--rate", "200", newReplica(t, m, nil), newReplica(t, m, nil))
			lines := term.wait("status ")
			one(t, lines, "  1 s  ")
			one(t, lines, "TOTAL TIME")
		})
	}
}
