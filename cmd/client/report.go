package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/program"
	"dummymessenger/internal/program/files"
	"dummymessenger/internal/report"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// reportCmd makes the HTML report of a stored history.
type reportCmd struct {
	File     string `arg:"" name:"HISTORY" type:"path" help:"The history, compressed or not; - is stdin."`
	Output   string `short:"o" type:"path" placeholder:"FILE" help:"The HTML file to write; - is stdout; without it HISTORY with .html for its ending."`
	Annotate string `type:"path" placeholder:"FILE" help:"Shade what was done to the servers: JSON lines with from, to (seconds from the first request, or dates) and label."`
	Lang     string `enum:",en,ru" default:"" placeholder:"en|ru" help:"Language of the report; without it the locale's."`
}

func (c *reportCmd) run(ctx context.Context, stdout *sink, stderr io.Writer) int {
	if c.Output == "" {
		if c.File == "-" {
			return complain(stderr, errors.New("name the report of a history from stdin with --output"), exitUsage)
		}
		c.Output = reportName(c.File)
	}
	err := files.Check(files.Name{Flag: "HISTORY", File: c.File, Dash: true}, files.Name{Flag: "--annotate", File: c.Annotate},
		files.Name{Flag: "--output", File: c.Output, Written: true, Dash: true})
	if err != nil {
		return complain(stderr, err, exitUsage)
	}
	annotations, err := readAnnotations(c.Annotate)
	if err != nil {
		return complain(stderr, err, exitNoInput)
	}
	var to files.Outputs
	out := to.Create(ctx, c.Output, stdout)
	if to.Err() != nil {
		return complain(stderr, to.Err(), exitCannotWrite)
	}
	figures := measure.NewRecorder(measure.Config{Trace: true})
	verdict, cfg, err := readHistory(c.File, func(op *verify.Operation) { figures.Add(op, op.Call) })
	if err != nil {
		to.Discard()
		return complain(stderr, err, exitNoInput)
	}
	for _, injected := range cfg.Injected {
		annotations = append(annotations, report.Annotation{
			From: report.Moment{Date: time.UnixMicro(injected.From)}, To: report.Moment{Date: time.UnixMicro(injected.To)}, Label: injected.Label,
		})
	}
	run := figures.Stored(cfg)
	result := newResult(&run, verdict)
	page := &report.Page{
		Result: result, Trace: figures.Trace(), Annotations: annotations, Lang: lang.Of(c.Lang, program.Locale()),
		Environment: []report.Fact{{Name: "history", Value: c.File}, {Name: "run", Value: cfg.Run},
			{Name: "version", Value: result.Version}},
	}
	if err := errors.Join(to.Begin(), writePage(out, page)); err != nil {
		return complain(stderr, err, exitCannotWrite)
	}
	if c.Output != "-" {
		tellReport(stderr, lang.Of(c.Lang, program.Locale()), c.Output)
	}
	result.Exit = exitStatus(result)
	return result.Exit
}

// reportName returns the name of the HTML file beside a history.
func reportName(history string) string {
	name := strings.TrimSuffix(history, ".gz")
	name = strings.TrimSuffix(name, filepath.Ext(name)) + ".html"
	if name == history {
		name += ".html"
	}
	return name
}

func writePage(f io.WriteCloser, page *report.Page) error {
	return writeFile(f, func(w io.Writer) error { return report.WriteHTML(w, page) })
}

// readAnnotations reads the file of --annotate, if there is one.
func readAnnotations(name string) ([]report.Annotation, error) {
	if name == "" {
		return nil, nil
	}
	data, err := program.ReadText(name)
	if err != nil {
		return nil, err
	}
	annotations, err := report.ReadAnnotations(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return annotations, nil
}

// openAnnotations checks the file of --annotate, if there is one, and returns
// the function to read it after the run. A regular file may be written during
// the run; a pipe yields its content once, so it is read here.
func openAnnotations(name string) (read func() ([]report.Annotation, error), err error) {
	read = func() ([]report.Annotation, error) { return readAnnotations(name) }
	info, err := os.Stat(name)
	if name == "" || os.IsNotExist(err) {
		return read, nil
	}
	if err != nil {
		return nil, err
	}
	kept, err := read()
	if !info.Mode().IsRegular() {
		read = func() ([]report.Annotation, error) { return kept, nil }
	}
	return read, err
}

// environment says where and how a run was made.
func environment(r *measure.Run) []report.Fact {
	return []report.Fact{
		{Name: "command line", Value: commandLine(os.Args)},
		{Name: "seed", Value: fmt.Sprint(r.Seed)},
		{Name: "run", Value: r.ID},
		{Name: "version", Value: program.ReadBuild().Version},
		{Name: "go version", Value: runtime.Version()},
		{Name: "system", Value: runtime.GOOS + "/" + runtime.GOARCH},
		{Name: "processors", Value: fmt.Sprint(runtime.NumCPU())},
	}
}

// commandLine joins args, and quotes what a shell would split or expand.
func commandLine(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		if arg == "" || strings.ContainsAny(arg, " \t\n'\"\\$`<>|&;()*?[]{}~#!") {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		quoted[i] = arg
	}
	return strings.Join(quoted, " ")
}
