//go:build unix

package nemesis

import (
	"context"
	"fmt"
	"os"
	"syscall"

	"dummymessenger/internal/lab"
)

// Kill ends replica i without warning, as kill -9 does.
func Kill(rs lab.Replicas, i int) Fault {
	return Fault{fmt.Sprint("kill -9 of replica ", i+1), func(context.Context) (Mend, error) {
		rs[i].Stop(os.Kill, 0)
		return restart(rs, i), nil
	}}
}

// Restart stops replica i in order, as an operator does.
func Restart(rs lab.Replicas, i int) Fault {
	return Fault{fmt.Sprint("restart with SIGTERM of replica ", i+1), func(context.Context) (Mend, error) {
		if err := rs[i].Stop(syscall.SIGTERM, patience); err != nil {
			return nil, fmt.Errorf("replica %d, asked to stop: %w", i+1, err)
		}
		return restart(rs, i), nil
	}}
}

// RollingRestart restarts one replica after the other.
func RollingRestart(rs lab.Replicas) Fault {
	return Fault{"rolling restart with SIGTERM", func(ctx context.Context) (Mend, error) {
		for i := range rs {
			mend, err := Restart(rs, i).Break(ctx)
			if err == nil {
				err = mend(ctx)
			}
			if err != nil {
				return nil, err
			}
		}
		return nothing, nil
	}}
}

func restart(rs lab.Replicas, i int) Mend {
	return func(ctx context.Context) error { return rs.Restart(ctx, i) }
}

// Freeze stops replica i where it stands, perhaps with the log's lock, as a
// machine that hangs would.
func Freeze(rs lab.Replicas, i int) Fault {
	return Fault{fmt.Sprint("SIGSTOP of replica ", i+1), func(context.Context) (Mend, error) {
		return func(context.Context) error { return rs[i].Thaw() }, rs[i].Freeze()
	}}
}
