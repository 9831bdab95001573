// Package terminal shows a run on the user's terminal, as well as that can.
package terminal

import (
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/term"

	"dummymessenger/internal/program"
	"dummymessenger/internal/report"
	"dummymessenger/internal/report/lang"
)

// of returns the terminal that w is, or nil.
func of(w io.Writer) *os.File {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" && obeysEscapes(f) {
		return f
	}
	return nil
}

// hasSize reports whether f tells how large it is, which drawing in place needs.
func hasSize(f *os.File) bool {
	width, height, err := term.GetSize(int(f.Fd()))
	return err == nil && width > 0 && height > 1
}

// Style returns how to write to w, by what the environment says of its terminal,
// if it is one (no-color.org; POSIX locales).
func Style(w io.Writer, l lang.Lang) report.Style {
	f := of(w)
	if f == nil {
		return report.Style{Lang: l}
	}
	charset := strings.ToLower(program.Locale())
	utf8 := strings.Contains(charset, "utf-8") || strings.Contains(charset, "utf8") || runtime.GOOS == "windows"
	width, _, _ := term.GetSize(int(f.Fd())) // 0 if unknown
	return report.Style{Lang: l, Width: width, Color: os.Getenv("NO_COLOR") == "", ASCII: !utf8}
}
