package main

import (
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// The terminal's size, in characters.
const (
	columns = 80
	rows    = 50
)

// runClient runs the client in a terminal. It returns the URLs of a page that
// looks like that terminal and of the client's report, which the next run replaces.
func (s *studio) runClient(ctx context.Context, lang string) (terminal, report string, err error) {
	name := filepath.Join(s.dir, lang)
	socket := name + ".tmux"
	tmux := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "tmux", append([]string{"-u", "-S", socket}, args...)...).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("tmux %s: %w: %s", args[0], err, out)
		}
		return string(out), err
	}
	const end = "the client is done"
	line := fmt.Sprintf(`cd %s; echo '$ client --html run.html'; `+
		`LC_ALL=C.UTF-8 ./client --lang %s --html run.html %s; echo %s; exec sleep 600`,
		s.dir, lang, strings.Join(s.urls, " "), end)
	_, err = tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(rows), "sh", "-c", line)
	if err != nil {
		return "", "", err
	}
	defer tmux("kill-server")
	var screen string
	for !strings.Contains(screen, end) {
		select {
		case <-ctx.Done():
			return "", "", ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		if screen, err = tmux("capture-pane", "-p", "-e"); err != nil {
			return "", "", err
		}
	}
	screen, _, _ = strings.Cut(screen, end)
	page := name + "-terminal.html"
	if err := os.WriteFile(page, []byte(terminalPage(screen)), 0o600); err != nil {
		return "", "", err
	}
	return "file://" + page, "file://" + filepath.Join(s.dir, "run.html"), nil
}

const terminalHead = `<!doctype html><meta charset="utf-8"><title>terminal</title><style>
body { margin: 0; background: #1b1f26; color: #d9d6d0; }
pre { margin: 0; padding: 18px 22px; font: 13.5px/1.32 "DejaVu Sans Mono", monospace; }
.b { font-weight: 700; color: #fff; } .f { opacity: .55; }
.red { color: #ff7b72; } .green { color: #5fcf97; } .yellow { color: #f0b45a; } .cyan { color: #57cdbd; }
</style><pre>`

// colors are the classes of what the client asks for (ECMA-48, SGR).
var colors = map[string]string{"1": "b", "2": "f", "31": "red", "32": "green", "33": "yellow", "36": "cyan"}

var escape = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// terminalPage shows a screen of a terminal, with its colours.
func terminalPage(screen string) string {
	screen = strings.TrimSpace(screen)
	var b strings.Builder
	b.WriteString(terminalHead)
	var classes []string
	from := 0
	put := func(text string) {
		if text == "" {
			return
		}
		fmt.Fprintf(&b, `<span class="%s">%s</span>`, strings.Join(classes, " "), html.EscapeString(text))
	}
	for _, at := range escape.FindAllStringSubmatchIndex(screen, -1) {
		put(screen[from:at[0]])
		from = at[1]
		for code := range strings.SplitSeq(screen[at[2]:at[3]], ";") {
			switch class, ok := colors[code]; {
			case ok:
				classes = append(classes, class)
			case code == "0" || code == "" || code == "39": // plain, or the terminal's own colour
				classes = nil
			}
		}
	}
	put(screen[from:])
	b.WriteString("</pre>")
	return b.String()
}
