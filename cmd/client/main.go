// Client sends messages to the replicas of a messenger, measures them, and
// proves from the answers that their log is right.
package main

import (
	"context"
	"os"
	"runtime"

	"dummymessenger/internal/shutdown"
)

func main() {
	ctx, stop := shutdown.Context()
	context.AfterFunc(ctx, stop) // the second ^C kills
	ballast := make([]byte, ballastSize)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	runtime.KeepAlive(ballast)
	os.Exit(status)
}

// ballastSize makes the garbage collector wait until twice as much is in use.
// What a run keeps is a few MiB at first, and to go through it a hundred times
// a second would cost as much as the checks do. Memory that nobody touches is
// none, so only the garbage counts.
const ballastSize = 24 << 20
