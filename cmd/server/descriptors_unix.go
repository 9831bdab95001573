//go:build unix

package main

import (
	"math"
	"syscall"
)

// maxOpenFiles returns how many file descriptors the process may have.
func maxOpenFiles() (int, bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)), true
}
