package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// mountDisk mounts a disk in memory at dir, so small that it can be filled. It
// needs root.
func mountDisk(dir string) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1g,mode=755")
}

func unmountDisk(dir string) error { return syscall.Unmount(dir, syscall.MNT_DETACH) }

// fillDisk takes all the room that is left for a while.
func (r *run) fillDisk() (err error) {
	ballast, err := os.Create(filepath.Join(r.disk, "ballast"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ballast.Close(), os.Remove(ballast.Name())) }()
	for piece := int64(1 << 26); piece > 0; piece /= 2 {
		for err == nil {
			var size int64
			if size, err = ballast.Seek(0, io.SeekEnd); err == nil {
				if err = syscall.Fallocate(int(ballast.Fd()), 0, size, piece); err == nil {
					_, err = ballast.Seek(0, io.SeekEnd)
				}
			}
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		err = nil
	}
	r.linger(4 * time.Second)
	return nil
}
