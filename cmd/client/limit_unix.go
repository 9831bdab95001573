//go:build unix

package main

import "syscall"

// openFiles is how many files this process may have open, as far as it can
// raise that: Go raises the soft limit to the hard one at the start.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1 << 62
	}
	return uint64(limit.Cur)
}
