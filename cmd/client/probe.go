package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"dummymessenger/internal/credentials"
	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/probe"
	"dummymessenger/internal/program"
	"dummymessenger/internal/program/files"
	"dummymessenger/internal/program/usage"
	"dummymessenger/internal/report/lang"
)

// probeCmd writes the profile of a server that is not ours.
type probeCmd struct {
	URL       string        `arg:"" name:"URL" help:"One replica of the server; with the path, if it is known."`
	Output    string        `short:"o" type:"path" placeholder:"FILE" help:"The profile to write; without it stdout."`
	Timeout   time.Duration `default:"10s" placeholder:"TIME" help:"Of each request; default ${default}."`
	TokenFile string        `type:"path" placeholder:"FILE" help:"Send the first token in FILE with every request."`
	CAFile    string        `name:"ca-file" type:"path" placeholder:"FILE" help:"Trust an https server whose certificate one of these (PEM) has signed."`
	Lang      string        `enum:",en,ru" default:"" placeholder:"en|ru" help:"Language of what is found; without it the locale's."`
}

// Help is what --help says below the flags' command line.
func (c *probeCmd) Help() string {
	return `Looks at a server that stores messages and answers with the last ones: at its OpenAPI document, if there is one, ` +
		`and at its answers to a few messages, some twenty at most. Writes the profile with which "client --profile FILE" tests it, ` +
		`and says what it found and what it could not tell.

Exit status: 0 written, 4 no answer could be understood, 64 bad usage, 66 and 73 a file cannot be read or written, 130 interrupted.`
}

func (c *probeCmd) run(ctx context.Context, stdout *sink, stderr io.Writer) int {
	var err error
	if c.URL, err = usage.Address(c.URL, nil); err != nil {
		return badUsage(stderr, err)
	}
	err = files.Check(files.Name{Flag: "--output", File: c.Output, Written: true, Dash: true},
		files.Name{Flag: "--token-file", File: c.TokenFile}, files.Name{Flag: "--ca-file", File: c.CAFile})
	if err == nil {
		err = positive("--timeout", &c.Timeout)
	}
	if err != nil {
		return badUsage(stderr, err)
	}
	reached := loadtest.Config{URLs: []string{c.URL}, Timeout: c.Timeout}
	if c.TokenFile != "" {
		if reached.Token, err = credentials.ReadToken(c.TokenFile); err != nil {
			return complain(stderr, err, exitNoInput)
		}
	}
	if c.CAFile != "" {
		pem, err := program.ReadText(c.CAFile)
		if err != nil {
			return complain(stderr, err, exitNoInput)
		}
		reached.RootCAs = x509.NewCertPool()
		if !reached.RootCAs.AppendCertsFromPEM(pem) {
			return complain(stderr, fmt.Errorf("%s holds no certificate in PEM form", c.CAFile), exitNoInput)
		}
	}
	reached.Requests = 1
	if _, err := loadtest.New(reached); err != nil {
		return complain(stderr, err, exitUsage)
	}
	l := lang.Of(c.Lang, program.Locale())
	if err := connect(reached, l, stderr); err != nil {
		return complain(stderr, err, exitFailed)
	}
	found, err := probe.Run(ctx, probe.Config{
		URL: c.URL, Mark: letters(), Token: reached.Token,
		// Without a proxy, as the load test.
		Client: &http.Client{Timeout: c.Timeout, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: reached.RootCAs}}},
	})
	if ctx.Err() != nil {
		return complain(stderr, errors.New("interrupted"), exitInterrupted)
	}
	if nothing, ok := errors.AsType[*probe.ErrNoWay](err); ok {
		for _, seen := range nothing.Seen {
			fmt.Fprintln(stderr, "client: "+l.Sentence(seen))
		}
		return complain(stderr, errors.New(l.Say("no message could be sent to %s: %s", c.URL, nothing.Advice)), exitFailed)
	}
	if silent, ok := errors.AsType[*probe.ErrNoAnswer](err); ok {
		return complain(stderr, errors.New(l.Say("%s gave no answer: %s", silent.Request, l.Reason(silent.Reason))), exitFailed)
	}
	if err != nil {
		return complain(stderr, err, exitFailed)
	}
	for _, note := range found.Notes {
		fmt.Fprintln(stderr, "client: "+l.Sentence(note))
	}
	if found.Native {
		return exitVerified
	}
	var to files.Outputs
	var out io.WriteCloser
	if c.Output != "" {
		out = to.Create(ctx, c.Output, stdout)
	}
	if err := to.Begin(); err != nil {
		return complain(stderr, err, exitCannotWrite)
	}
	if out == nil {
		_, err = stdout.Write(found.Profile)
	} else if _, err = out.Write(found.Profile); err == nil {
		err = out.Close()
	}
	if err != nil {
		return complain(stderr, err, exitCannotWrite)
	}
	return exitVerified
}

// letters are some that no other probe has.
func letters() string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + 'a'
		}
		return r
	}, strings.ToLower(rand.Text()[:10]))
}
