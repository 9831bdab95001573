package main

import (
	"context"
	"io"
	"os"

	"golang.org/x/term"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/report"
)

func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func startLive(ctx context.Context, stderr io.Writer, test *loadtest.Test, trace *report.Trace, lang report.Lang) (stop func()) {
	return startProgress(ctx, stderr, test)
}
