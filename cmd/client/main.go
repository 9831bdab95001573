// Client sends messages to the replicas of a messenger, measures them, and
// proves from the answers that their log is right.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second ^C kills
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
