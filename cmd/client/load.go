package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"dummymessenger/internal/credentials"
	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/program"
	"dummymessenger/internal/program/files"
	"dummymessenger/internal/program/usage"
)

// loadFlags say what is sent, and to whom, for every command that sends.
type loadFlags struct {
	Senders string        `type:"path" placeholder:"FILE" help:"Senders' names, one a line, instead of the ten built in."`
	Seed    *uint64       `placeholder:"SEED" help:"Repeat the choices of sender, text and replica. Without it they are new in each run."`
	Timeout time.Duration `default:"30s" placeholder:"TIME" help:"Of each try; default ${default}."`
	Texts   string        `enum:",any,plain" default:"" placeholder:"any|plain" help:"What texts to send: any characters, or words of a to z; without it what the profile says."`
	MaxText int           `default:"0" placeholder:"N" help:"The longest text in characters, for servers that take no longer ones; without it what the profile says, or 4096."`
	Profile string        `type:"path" placeholder:"FILE" help:"Wire shape of a server that is not ours, as \"client probe\" writes it; see docs/PROFILES.md."`

	ClockAllowance time.Duration `default:"2s" placeholder:"TIME" help:"How far the servers' clock may be from this one before dates are called wrong; more than 0, default ${default}."`

	TokenFile string `type:"path" placeholder:"FILE" help:"Send the first token in FILE with every request."`
	CAFile    string `name:"ca-file" type:"path" placeholder:"FILE" help:"Trust https servers whose certificate one of these (PEM) has signed, instead of the system's."`
}

// positive says what is wrong with a flag's value, which may be absent, unless it is more
// than 0.
func positive[T int | float64 | time.Duration](flag string, value *T) error {
	if value == nil || *value > 0 {
		return nil
	}
	return fmt.Errorf("%s is %v; it must be more than 0", flag, *value)
}

func notNegative[T int | time.Duration](flag string, value T) error {
	if value >= 0 {
		return nil
	}
	return fmt.Errorf("%s is %v; it must not be negative", flag, value)
}

// checkTimes says which of the times is wrong.
func (f *loadFlags) checkTimes() error {
	return errors.Join(positive("--timeout", &f.Timeout), positive("--clock-allowance", &f.ClockAllowance))
}

// names are the files that the flags name.
func (f *loadFlags) names() []files.Name {
	return []files.Name{
		{Flag: "--senders", File: f.Senders}, {Flag: "--profile", File: f.Profile}, {Flag: "--token-file", File: f.TokenFile},
		{Flag: "--ca-file", File: f.CAFile},
	}
}

// apply adds what the flags say to cfg, whose URLs are the command line's.
func (f *loadFlags) apply(cfg *loadtest.Config) (err error) {
	cfg.Seed, cfg.Timeout, cfg.ClockAllowance = seedOf(f.Seed), f.Timeout, f.ClockAllowance
	cfg.Texts, cfg.MaxText = f.Texts, f.MaxText
	if len(cfg.URLs) == 0 {
		cfg.URLs = []string{"http://127.0.0.1:8001", "http://127.0.0.1:8002"}
	}
	cfg.URLs = slices.Clone(cfg.URLs)
	for i, arg := range cfg.URLs {
		if cfg.URLs[i], err = usage.Address(arg, commands()); err != nil {
			return err
		}
	}
	if f.Senders != "" {
		data, err := program.ReadText(f.Senders)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" {
				cfg.Senders = append(cfg.Senders, line)
			}
		}
		if len(cfg.Senders) == 0 {
			return fmt.Errorf("%s names no sender", f.Senders)
		}
	}
	if f.Profile != "" {
		data, err := program.ReadText(f.Profile)
		if err != nil {
			return err
		}
		if cfg.Profile, err = loadtest.ParseProfile(data); err != nil {
			return fmt.Errorf("%s: %w", f.Profile, err)
		}
	}
	if f.TokenFile != "" {
		if cfg.Token, err = credentials.ReadToken(f.TokenFile); err != nil {
			return err
		}
	}
	if f.CAFile != "" {
		pem, err := program.ReadText(f.CAFile)
		if err != nil {
			return err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s holds no certificate in PEM form", f.CAFile)
		}
	}
	return nil
}

// seedOf returns the seed of a flag, or a new one.
func seedOf(flag *uint64) uint64 {
	if flag != nil {
		return *flag
	}
	return rand.Uint64N(1_000_000_000)
}
