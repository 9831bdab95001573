//go:build !linux

package nemesis

import (
	"context"
	"errors"

	"dummymessenger/internal/lab"
)

// A PowerDisk is a disk whose power can be cut: only Linux has it.
type PowerDisk struct{ Dir string }

func NewPowerDisk(context.Context, string) (*PowerDisk, error) { return nil, errors.ErrUnsupported }

func (d *PowerDisk) Close() error { return errors.ErrUnsupported }

func CutReplicas(*PowerDisk, lab.Replicas) Fault {
	return Fault{"power cut of the replicas' machine", func(context.Context) (Mend, error) {
		return nil, errors.ErrUnsupported
	}}
}
