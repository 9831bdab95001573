//go:build unix

// Command soak injects random faults into replicas and their database for a given time,
// under the load of the real client, and then judges everything.
//
// Exit status: 0 nothing is wrong, 1 something is, and the evidence is kept; 64
// bad usage.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"dummymessenger/internal/program"
)

func main() {
	length := flag.Duration("for", 2*time.Minute, "how long to go on")
	seed := flag.Uint64("seed", 0, "repeat the choice of faults and moments; 0 takes a new one")
	database := flag.String("database", "both", "sqlite, postgres, or both, one after the other")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(),
			"usage: go run ./internal/e2e/soak [--for 30m] [--seed N] [--database both|sqlite|postgres]")
		flag.PrintDefaults()
	}
	flag.CommandLine.Init("soak", flag.ContinueOnError)
	if err := flag.CommandLine.Parse(os.Args[1:]); err != nil {
		os.Exit(64)
	}
	kinds := map[string][]string{"both": {"sqlite", "postgres"}, "sqlite": {"sqlite"}, "postgres": {"postgres"}}[*database]
	if kinds == nil || flag.NArg() > 0 || *length <= 0 {
		flag.Usage()
		os.Exit(64)
	}
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	ctx, stop := program.Context()
	defer stop()
	fmt.Printf("soak: seed %d\n", *seed)
	status := 0
	for _, kind := range kinds {
		if err := soak(ctx, kind, *length/time.Duration(len(kinds)), *seed); err != nil {
			fmt.Fprintf(os.Stderr, "soak on %s: %v\n", kind, err)
			status = 1
		}
	}
	os.Exit(status)
}
