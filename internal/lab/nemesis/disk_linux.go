package nemesis

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// A Disk is a small file system of its own, in memory.
type Disk struct{ Dir string }

// MountDisk mounts a disk at dir, which must be there. It needs root. size is
// as in tmpfs(5): 32m, 1g.
func MountDisk(dir, size string) (*Disk, error) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=755"); err != nil {
		return nil, os.NewSyscallError("mount", err)
	}
	return &Disk{dir}, nil
}

// Unmount takes the disk away, with all that is on it.
func (d *Disk) Unmount() error {
	return os.NewSyscallError("umount", syscall.Unmount(d.Dir, syscall.MNT_DETACH))
}

// FillDisk takes all the room that is left on the disk that dir is the root of.
func FillDisk(dir string) Fault {
	return Fault{"disk full", func(context.Context) (Mend, error) {
		ballast := filepath.Join(dir, "ballast")
		return func(context.Context) error { return os.Remove(ballast) }, fill(ballast)
	}}
}

// fill makes a file at path that leaves no room, in ever smaller pieces.
func fill(path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for piece := int64(1 << 26); piece > 0; {
		size, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		err = syscall.Fallocate(int(f.Fd()), 0, size, piece)
		switch {
		case errors.Is(err, syscall.ENOSPC):
			piece /= 2
		case err != nil:
			return os.NewSyscallError("fallocate", err)
		}
	}
	return nil
}
