package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/lab/pgcluster"
	"dummymessenger/internal/program"
	"dummymessenger/internal/report/lang"
)

// killing is how the client runs while things fail: long enough, at a rate that leaves
// room on any machine, with the tries that a fault may cost, and with more workers than a
// frozen replica can hold up.
var killing = []string{"--duration", "12s", "--workers", "700", "--rate", "300", "--retries", "1000"}

// faults are what --kill does to replicas and database while the client runs.
type faults struct {
	replicas lab.Replicas
	cluster  *pgcluster.Cluster // nil if it is not ours to kill
	notes    string             // file for --annotate
	lang     lang.Lang          // of labels
	done     []string
}

// runClientAmidFaults runs the client, with the arguments that such a run needs, while
// replicas and database are done harm. Its report stays.
func (d *demo) runClientAmidFaults(ctx context.Context, dir, client string, f *faults) (status int, err error) {
	f.lang = clientLanguage(d.clientArgs)
	f.notes = filepath.Join(dir, "faults.jsonl")
	if err := os.WriteFile(f.notes, nil, 0o600); err != nil {
		return 0, err
	}
	return d.runWithReport(func(report string) (int, error) {
		d.clientArgs = slices.Concat(killing, []string{"--html", report, "--annotate", f.notes}, d.clientArgs)
		urls := f.replicas.URLs()
		running, ended := context.WithCancel(ctx)
		injected := make(chan error, 1)
		go func() { injected <- f.inject(running) }()
		status, err := d.runClient(client, urls, nil) // replicas end by our hand
		ended()
		err = errors.Join(err, <-injected)
		d.printf("%s\n", f.lang.Say("meanwhile: %s", strings.Join(f.done, "; ")))
		return status, err
	})
}

// clientLanguage returns the language in which the client will report.
func clientLanguage(args []string) lang.Lang {
	named := ""
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--lang="); ok {
			named = value
		} else if arg == "--lang" && i+1 < len(args) {
			named = args[i+1]
		}
	}
	return lang.Of(named, program.Locale())
}

// inject does it all, one after the other, unless ctx ends before.
func (f *faults) inject(ctx context.Context) error {
	for _, fault := range []func(context.Context) error{f.kill, f.freeze, f.killDatabase} {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2 * time.Second):
		}
		if err := fault(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
	return nil
}

func (f *faults) kill(ctx context.Context) error {
	defer f.note(f.lang.Say("replica %d killed (kill -9)", 1), time.Now())
	f.replicas[0].Stop(os.Kill, 0)
	time.Sleep(time.Second)
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return f.replicas.Restart(ctx, 0)
}

// freeze needs a second replica, and a system that can stop a process.
func (f *faults) freeze(context.Context) error {
	last := f.replicas[len(f.replicas)-1]
	process, ok := any(last).(interface {
		Freeze() error
		Thaw() error
	})
	if !ok || len(f.replicas) < 2 {
		return nil
	}
	defer f.note(f.lang.Say("replica %d frozen", len(f.replicas)), time.Now())
	if err := process.Freeze(); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	return process.Thaw()
}

func (f *faults) killDatabase(ctx context.Context) error {
	if f.cluster == nil {
		return nil
	}
	defer f.note(f.lang.Say("PostgreSQL killed"), time.Now())
	if err := f.cluster.KillHard(); err != nil {
		return err
	}
	time.Sleep(time.Second)
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return f.cluster.Restart(ctx)
}

// note says what was done, here and in the report.
func (f *faults) note(label string, from time.Time) {
	line, err := json.Marshal(map[string]any{"from": from, "to": time.Now(), "label": label})
	if err != nil {
		panic(err) // dates and a string
	}
	notes, err := os.OpenFile(f.notes, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = fmt.Fprintf(notes, "%s\n", line)
		notes.Close()
	}
	f.done = append(f.done, f.lang.Say("%s, for %s s", label, f.lang.Decimal(time.Since(from).Seconds())))
	if err != nil {
		f.done = append(f.done, err.Error())
	}
}
