package main

import (
	"bytes"
	"strings"
	"testing"
)

// Each mistake on the command line is named, with its value and what to do, and nothing else is.
func TestUsageSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"-workers 5":                  "two dashes: --workers",
		"verfy":                       `did you mean "verify"?`,
		"18001":                       "did you mean 127.0.0.1:18001",
		"-c 0":                        "--workers is 0; it must be more than 0",
		"-c -5":                       "--workers is -5; it must be more than 0",
		"-n 0":                        "--requests is 0",
		"--rate -5":                   "--rate is -5",
		"--rate NaN":                  "--rate is NaN",
		"--rate x":                    `--rate is "x"; write a number`,
		"--requests x":                `--requests is "x"; write a whole number`,
		"--timeout 5":                 `--timeout is "5"; add a unit, as in 5s`,
		"--timeout soon":              `--timeout is "soon"; write a time`,
		"--timeout 0s":                "--timeout is 0s",
		"--lang de":                   `--lang is "de"; it must be one of "en","ru"`,
		"--workers":                   "--workers lacks its value",
		"--senders /nosuch":           "open /nosuch: no such file",
		"--profile /nosuch":           "open /nosuch: no such file",
		"find p99<1s -c 0":            "--workers is 0; it must be more than 0",
		"find p99<1s --max-rate 5":    "--max-rate is 5; it must be at least 200",
		"probe http://a --timeout 0s": "--timeout is 0s",
		"find":                        "LIMIT is missing",
		"compare a":                   "B.json is missing",
		"find p99<50ms run":           `"run" is a command, and comes first`,
		"run verify":                  `"verify" is a command, and comes first`,
		"--lang ru verify h":          `write --lang behind "verify"`,
		"a:1 -n 5 http://b:1":         "unexpected argument http://b:1; write all addresses together",
		"--retries -1":                "--retries is -1; it must not be negative",
		"--warmup -1s":                "--warmup is -1s; it must not be negative",
		"http://a:99999":              "a port is a number from 1 to 65535",
	} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), strings.Fields(line), &stdout, &stderr)
		wanted := exitUsage
		if strings.Contains(line, "/nosuch") {
			wanted = exitNoInput
		}
		if status != wanted || !strings.Contains(stderr.String(), want) || strings.Count(stderr.String(), "\n") > 2 {
			t.Errorf("client %s: status %d, want %d, %q and little more:\n%s", line, status, wanted, want, &stderr)
		}
	}
}
