package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/report/lang"
)

// connect tries one connection to each server of cfg before a command sends anything.
func connect(cfg loadtest.Config, l lang.Lang, stderr io.Writer) error {
	cfg.Workers, cfg.Requests = 1, 1
	test, err := loadtest.New(cfg)
	if err != nil {
		return err
	}
	defer test.Close() // a server that serves one connection at a time would wait for requests on it
	return reach(test, cfg.URLs, l, stderr)
}

// reach connects test to its servers. It warns of those that cannot be connected to, and
// returns an error if none can, or if one speaks TLS at an http URL.
func reach(test *loadtest.Test, urls []string, l lang.Lang, stderr io.Writer) error {
	if err := test.Connect(); err != nil {
		urls, reason := strings.Join(urls, ", "), l.Reason(err.Error())
		if err.Error() == loadtest.Refused {
			return errors.New(l.Say("no server answers at %s (%s); is it running?", urls, reason))
		}
		return errors.New(l.Say("no server can be used at %s: %s", urls, reason))
	}
	for i, err := range test.Silent() {
		if err != nil {
			fmt.Fprintln(stderr, "client: "+l.Say("replica %d (%s) does not answer (%s); is it running?", i+1, urls[i], l.Reason(err.Error())))
		}
	}
	if err := test.CheckSchemes(); err != nil {
		return errors.New(l.Reason(err.Error()))
	}
	return nil
}
