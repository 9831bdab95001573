// Screenshots makes the pictures of the README anew: the page, the client in a
// terminal and its report, as a browser shows them.
//
// It needs chromium and tmux, and is run in the root of the repository:
//
//	go run ./docs/screenshots
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/lab/browser"
	"dummymessenger/internal/program"
)

func main() {
	ctx, stop := program.Context()
	defer stop()
	if err := run(ctx, filepath.Join("docs", "screenshots")); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

// A studio is all that pictures are made with.
type studio struct {
	browser *browser.Browser
	dir     string // of files that go
	out     string // of the pictures
	urls    []string
}

func run(ctx context.Context, out string) (err error) {
	dir, err := os.MkdirTemp("", "dummymessenger-screenshots-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := lab.Build(ctx, dir, "dummymessenger/cmd/server", "dummymessenger/cmd/client", "dummymessenger/cmd/demo"); err != nil {
		return fmt.Errorf("build the programs: %w", err)
	}
	b, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	replicas, err := lab.StartReplicas(2, lab.ReplicaConfig{
		Program: lab.Program(dir, "server"), Database: "sqlite:" + filepath.Join(dir, "messages.db"),
		Log: filepath.Join(dir, "server-*.log"), Listen: "127.0.0.1:800*", Dir: dir,
	})
	defer func() { err = errors.Join(err, replicas.Stop(10*time.Second)) }()
	if err != nil {
		return err
	}
	if err := replicas.WaitReady(ctx); err != nil {
		return err
	}
	s := studio{browser: b, dir: dir, out: out, urls: replicas.URLs()}
	return s.shoot(ctx)
}

// languages are those of the pictures, with what is added to their names.
var languages = map[string]string{"en": "", "ru": ".ru"}

// shoot makes all pictures.
func (s *studio) shoot(ctx context.Context) error {
	if err := s.converse(); err != nil {
		return err
	}
	for lang, suffix := range languages { // before the client writes to the same log
		view := browser.View{Width: 900, Height: 640, Language: lang}
		if err := s.take(picture{name: "page" + suffix, url: s.urls[0], view: view, ready: shown}); err != nil {
			return fmt.Errorf("page: %w", err)
		}
	}
	for lang, suffix := range languages {
		terminal, report, err := s.runClient(ctx, lang)
		if err != nil {
			return err
		}
		violated, err := s.runBroken(ctx, lang)
		if err != nil {
			return err
		}
		for _, p := range []picture{
			{"terminal" + suffix, terminal, browser.View{Width: 720, Height: 100, Scale: 2}, true, ""},
			{"report" + suffix, report, browser.View{Width: 1200, Height: 1330}, false, ""},
			{"violated" + suffix, violated, browser.View{Width: 1000, Height: 900}, false, ""},
		} {
			if err := s.take(p); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	return s.animate(ctx)
}
