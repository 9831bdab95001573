package nemesis

import (
	"context"
	"time"
)

// A Fault is one thing that goes wrong. Each function of this package that
// returns one says what it breaks; a Trial injects it.
type Fault struct {
	Name string

	// Break returns when it is broken. Who called it must Mend it.
	Break func(context.Context) (Mend, error)
}

// Mend makes what a fault broke work again, and returns when it does.
type Mend func(context.Context) error

// nothing is the Mend of what needs none.
func nothing(context.Context) error { return nil }

// patience is how long anything that must happen may take.
const patience = 2 * time.Minute

// await waits until condition holds, or returns why it waits no longer.
func await(ctx context.Context, condition func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !condition() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}
