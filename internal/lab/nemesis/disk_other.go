//go:build !linux

package nemesis

import (
	"context"
	"errors"
)

// A Disk is a small file system of its own, in memory: only Linux has it.
type Disk struct{ Dir string }

func MountDisk(dir, size string) (*Disk, error) { return nil, errors.ErrUnsupported }

func (d *Disk) Unmount() error { return errors.ErrUnsupported }

func FillDisk(string) Fault {
	return Fault{"disk full", func(context.Context) (Mend, error) {
		return nil, errors.ErrUnsupported
	}}
}
