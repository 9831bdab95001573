package main

import (
	"context"
	"io"
)

// verifyCmd judges a stored history.
type verifyCmd struct {
	File string `arg:"" name:"FILE" type:"path" help:"The history, compressed or not; - is stdin."`
	JSON string `name:"json" placeholder:"FILE" help:"Write the verdict as JSON too; - is stdout, instead of the text."`
	Lang string `enum:",en,ru" default:"" placeholder:"en|ru" help:"Language of the text; without it the locale's."`
}

func (c *verifyCmd) run(ctx context.Context, stdout, stderr io.Writer) int {
	err := checkNames(named{flag: "FILE", file: c.File, dash: true}, named{flag: "--json", file: c.JSON, written: true, dash: true})
	if err != nil {
		return complain(stderr, err, exitUsage)
	}
	var to files
	output, err := createOutput(ctx, &to, c.JSON, stdout, c.Lang)
	if err != nil {
		return complain(stderr, err, exitCannotWrite)
	}
	verdict, _, err := readHistory(c.File, nil)
	if err != nil {
		to.discard()
		return complain(stderr, err, exitNoInput)
	}
	result := newResult(nil, verdict)
	result.Exit = exitStatus(result)
	return output.write(result, to.begin(), stderr)
}
