package main

import (
	"context"
	"io"
	"path/filepath"

	"dummymessenger/internal/program"
	"dummymessenger/internal/program/files"
	"dummymessenger/internal/report"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/report/terminal"
)

// compareCmd puts two runs side by side.
type compareCmd struct {
	A    string `arg:"" name:"A.json" type:"path" help:"What --json has written of one run; - is stdin."`
	B    string `arg:"" name:"B.json" type:"path" help:"The same of another."`
	Lang string `enum:",en,ru" default:"" placeholder:"en|ru" help:"Language; without it the locale's."`
}

func (c *compareCmd) run(_ context.Context, stdout *sink, stderr io.Writer) int {
	err := files.Check(files.Name{Flag: "A.json", File: c.A, Dash: true}, files.Name{Flag: "B.json", File: c.B, Dash: true})
	if err != nil {
		return complain(stderr, err, exitUsage)
	}
	var results [2]*report.Result
	for i, name := range []string{c.A, c.B} {
		err := files.Read(name, func(in io.Reader) (err error) {
			results[i], err = report.ReadJSON(in)
			return err
		})
		if err != nil {
			return complain(stderr, err, exitNoInput)
		}
	}
	style := terminal.Style(stdout.Writer, lang.Of(c.Lang, program.Locale()))
	_ = report.WriteComparison(stdout, filepath.Base(c.A), filepath.Base(c.B), results[0], results[1], style)
	return 0
}
