package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"dummymessenger/internal/report"
)

// compareCmd puts two runs side by side.
type compareCmd struct {
	A    string `arg:"" name:"A.json" type:"path" help:"What --json has written of one run; - is stdin."`
	B    string `arg:"" name:"B.json" type:"path" help:"The same of another."`
	Lang string `enum:",en,ru" default:"" placeholder:"en|ru" help:"Language; without it the locale's."`
}

func (c *compareCmd) run(_ context.Context, stdout, stderr io.Writer) int {
	if err := checkNames(named{flag: "A.json", file: c.A, dash: true}, named{flag: "B.json", file: c.B, dash: true}); err != nil {
		return complain(stderr, err, exitUsage)
	}
	a, err := readResult(c.A)
	if err != nil {
		return complain(stderr, err, exitNoInput)
	}
	b, err := readResult(c.B)
	if err != nil {
		return complain(stderr, err, exitNoInput)
	}
	_ = report.WriteComparison(stdout, filepath.Base(c.A), filepath.Base(c.B), a, b, styleOf(stdout, language(c.Lang)))
	return 0
}

func readResult(name string) (*report.Result, error) {
	f, closeInput, err := openInput(name)
	if err != nil {
		return nil, err
	}
	defer closeInput()
	r, err := report.ReadJSON(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}
