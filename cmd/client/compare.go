package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dummymessenger/internal/report"
)

// compareCmd puts two runs side by side.
type compareCmd struct {
	A    string `arg:"" name:"A.json" type:"path" help:"What --json has written of one run."`
	B    string `arg:"" name:"B.json" type:"path" help:"The same of another."`
	Lang string `enum:",en,ru" default:"" placeholder:"en|ru" help:"Language; without it the locale's."`
}

func (c *compareCmd) run(_ context.Context, stdout, stderr io.Writer) int {
	a, err := readResult(c.A)
	if err != nil {
		return complain(stderr, err, exitNoInput)
	}
	b, err := readResult(c.B)
	if err != nil {
		return complain(stderr, err, exitNoInput)
	}
	if err := report.WriteComparison(stdout, filepath.Base(c.A), filepath.Base(c.B), a, b, styleOf(stdout, language(c.Lang))); err != nil {
		return complain(stderr, err, exitCannotWrite)
	}
	return 0
}

func readResult(name string) (*report.Result, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := report.ReadJSON(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}
