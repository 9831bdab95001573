package main

import (
	"context"
	"io"

	"dummymessenger/internal/program/files"
)

// verifyCmd judges a stored history.
type verifyCmd struct {
	File string `arg:"" name:"FILE" type:"path" help:"The history, compressed or not; - is stdin."`
	JSON string `name:"json" placeholder:"FILE" help:"Write the verdict as JSON too; - is stdout, instead of the text."`
	Lang string `enum:",en,ru" default:"" placeholder:"en|ru" help:"Language of the text; without it the locale's."`
}

func (c *verifyCmd) run(ctx context.Context, stdout *sink, stderr io.Writer) int {
	err := files.Check(files.Name{Flag: "FILE", File: c.File, Dash: true},
		files.Name{Flag: "--json", File: c.JSON, Written: true, Dash: true})
	if err != nil {
		return complain(stderr, err, exitUsage)
	}
	out := newOutputs(ctx, c.JSON, c.Lang, stdout)
	if err := out.files.Err(); err != nil {
		return complain(stderr, err, exitCannotWrite)
	}
	verdict, _, err := readHistory(c.File, nil)
	if err != nil {
		out.files.Discard()
		return complain(stderr, err, exitNoInput)
	}
	result := newResult(nil, verdict)
	result.Exit = exitStatus(result)
	return out.write(result, out.files.Begin(), stderr)
}
