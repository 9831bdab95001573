package pgcluster

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// KillHard ends all of the server's processes with SIGKILL, as a machine's
// crash would. Kill is its equal elsewhere.
func (c *Cluster) KillHard() error { return c.Crash(func() error { return nil }) }

// Crash is KillHard with a moment before the end in which all processes stand still,
// and between is called.
func (c *Cluster) Crash(between func() error) error {
	pid := c.server.Pid()
	if err := c.server.Freeze(); err != nil { // or it would start new ones
		return err
	}
	children, err := childrenOf(pid)
	if err != nil {
		return err
	}
	if err := signalAll(children, syscall.SIGSTOP); err != nil {
		return err
	}
	if err := between(); err != nil {
		return err
	}
	if err := signalAll(children, syscall.SIGKILL); err != nil {
		return err
	}
	c.server.Stop(os.Kill, 0)
	for _, child := range children {
		for syscall.Kill(child, 0) == nil && !isZombie(child) {
			time.Sleep(time.Millisecond) // its shared memory must be free before the next start
		}
	}
	return nil
}

func signalAll(processes []int, signal syscall.Signal) error {
	for _, pid := range processes {
		if err := syscall.Kill(pid, signal); err != nil && err != syscall.ESRCH {
			return err
		}
	}
	return nil
}

// childrenOf finds the processes whose parent is pid.
func childrenOf(pid int) (children []int, err error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	for _, path := range stats {
		if fields := statOf(path); len(fields) > 1 && string(fields[1]) == strconv.Itoa(pid) {
			var child int
			if _, err := fmt.Sscanf(path, "/proc/%d/stat", &child); err != nil {
				return nil, err
			}
			children = append(children, child)
		}
	}
	return children, nil
}

func isZombie(pid int) bool {
	fields := statOf(fmt.Sprintf("/proc/%d/stat", pid))
	return len(fields) == 0 || string(fields[0]) == "Z"
}

// statOf is the fields of a stat file (proc(5)) from the state on; the name
// before them may hold anything. It is empty if the process has gone.
func statOf(path string) [][]byte {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
}
