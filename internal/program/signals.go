package program

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Signals returns the signals that ask this program to end: ^C, SIGTERM, and SIGHUP
// unless the program was started with SIGHUP ignored, as by nohup.
//
// It also disarms two signals for the life of the program: a second SIGHUP no longer
// kills, since a terminal that is closed sends several, and neither does SIGPIPE, so
// writing to a closed pipe is an error of the write. Children inherit neither.
func Signals() []os.Signal {
	ignored := make(chan os.Signal, 1) // nobody receives from it
	signal.Notify(ignored, syscall.SIGPIPE)
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
		signal.Notify(ignored, syscall.SIGHUP)
	}
	return signals
}

// Context returns a context that ends with the first of Signals. After stop, the
// next ^C or SIGTERM kills.
func Context() (ctx context.Context, stop context.CancelFunc) {
	return signal.NotifyContext(context.Background(), Signals()...)
}
