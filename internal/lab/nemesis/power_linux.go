package nemesis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/lab/pgcluster"
)

// A PowerDisk is a file system of a machine whose power can be cut. It is ext4 on a
// loop device, whose backing file lies on btrfs, so that it can be cloned in an instant
// (FICLONE, ioctl_ficlonerange(2)). A clone holds what the device had received, and
// nothing of what the kernel still had in memory.
type PowerDisk struct {
	Dir string // where it is mounted

	host string // where btrfs is mounted
	file string // the backing file in use
	cuts int
}

const (
	powerDiskSize = 1 << 30
	powerHostSize = 3 << 30 // of a sparse file: the clones share what is the same in them
)

// NewPowerDisk makes a disk below dir. It needs root, loop devices, and the programs
// mkfs.btrfs and mkfs.ext4.
func NewPowerDisk(ctx context.Context, dir string) (_ *PowerDisk, err error) {
	d := &PowerDisk{Dir: filepath.Join(dir, "disk"), host: filepath.Join(dir, "host")}
	d.file = filepath.Join(d.host, "0.img")
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	image := filepath.Join(dir, "btrfs.img")
	for _, step := range []func() error{
		func() error { return errors.Join(os.Mkdir(d.Dir, 0o755), os.Mkdir(d.host, 0o755)) },
		func() error { return sparse(image, powerHostSize) },
		func() error { return do(ctx, "mkfs.btrfs", "--quiet", image) },
		func() error { return do(ctx, "mount", "-o", "loop", image, d.host) },
		func() error { return sparse(d.file, powerDiskSize) },
		func() error { return do(ctx, "mkfs.ext4", "-q", "-F", d.file) },
		func() error { return do(ctx, "mount", "-o", "loop", d.file, d.Dir) },
		func() error { return os.Chmod(d.Dir, 0o777) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Close takes the disk away, with all that is on it.
func (d *PowerDisk) Close() error {
	return errors.Join(unmount(d.Dir), unmount(d.host))
}

func unmount(dir string) error {
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil && err != unix.EINVAL && err != unix.ENOENT {
		return os.NewSyscallError("umount", err)
	}
	return nil
}

// Sync writes everything to the device, as some time after an installation it is.
func (d *PowerDisk) Sync() error {
	f, err := os.Open(d.Dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return os.NewSyscallError("syncfs", unix.Syncfs(int(f.Fd())))
}

// clone keeps what the device holds at this instant.
func (d *PowerDisk) clone() error {
	from, err := os.Open(d.file)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(d.next())
	if err != nil {
		return err
	}
	err = os.NewSyscallError("FICLONE", unix.IoctlFileClone(int(to.Fd()), int(from.Fd())))
	return errors.Join(err, to.Close())
}

func (d *PowerDisk) next() string { return filepath.Join(d.host, fmt.Sprintf("%d.img", d.cuts+1)) }

// comeBack mounts the clone in the disk's place, which replays its journal. Nobody may
// use the disk any more.
func (d *PowerDisk) comeBack(ctx context.Context) error {
	if err := do(ctx, "umount", d.Dir); err != nil {
		return err
	}
	if err := do(ctx, "mount", "-o", "loop", d.next(), d.Dir); err != nil {
		return err
	}
	old := d.file
	d.file = d.next()
	d.cuts++
	return os.Remove(old)
}

func sparse(name string, size int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}

func do(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	path, err := exec.LookPath(name)
	if err != nil { // LookPath knows our own PATH only
		path = filepath.Join("/usr/sbin", name)
	}
	cmd.Path, cmd.Err = path, nil
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// CutPostgres cuts the power of PostgreSQL's machine.
//
// Its processes are stopped before the disk is cloned, so that nobody is answered
// after the instant of the cut.
func CutPostgres(d *PowerDisk, c *pgcluster.Cluster) Fault {
	return Fault{"power cut of PostgreSQL's machine", func(ctx context.Context) (Mend, error) {
		if err := c.Crash(d.clone); err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			if err := d.comeBack(ctx); err != nil {
				return err
			}
			return c.Restart(ctx)
		}, nil
	}}
}

// CutReplicas cuts the power of the machine on which the replicas share an SQLite file.
func CutReplicas(d *PowerDisk, rs lab.Replicas) Fault {
	return Fault{"power cut of the replicas' machine", func(ctx context.Context) (Mend, error) {
		for _, r := range rs {
			if err := r.Freeze(); err != nil {
				return nil, err
			}
		}
		if err := d.clone(); err != nil {
			return nil, err
		}
		for _, r := range rs {
			r.Stop(os.Kill, 0)
		}
		return func(ctx context.Context) error {
			if err := d.comeBack(ctx); err != nil {
				return err
			}
			for i := range rs {
				if err := rs.Restart(ctx, i); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}}
}
