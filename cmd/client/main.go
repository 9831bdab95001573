// Client sends messages to the replicas of a messenger, measures them, and
// proves from the answers that their log is right.
package main

import (
	"context"
	"os"
	"runtime"

	"dummymessenger/internal/program"
)

func main() {
	ctx, stop := program.Context()
	context.AfterFunc(ctx, stop) // the second ^C kills
	ballast := make([]byte, ballastSize)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	runtime.KeepAlive(ballast)
	os.Exit(status)
}

// ballastSize delays garbage collection: the collector waits until twice as
// much is in use. A run keeps only a few MiB at first, and scanning them a
// hundred times a second would cost as much as the checks. The ballast is never
// touched, so it takes no physical memory.
const ballastSize = 24 << 20
