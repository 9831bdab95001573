//go:build unix

package loadtest

import (
	"net"
	"syscall"
)

// peek reports whether bytes, or the end, have come on nc and wait to be read.
func peek(nc net.Conn) (came, ended bool) {
	c, ok := nc.(syscall.Conn)
	if !ok {
		return false, false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false, true
	}
	var one [1]byte
	var n int
	var failed error
	err = raw.Control(func(fd uintptr) { // Read would mind the last request's deadline
		n, _, failed = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	switch {
	case err != nil:
		return false, true
	case failed == syscall.EAGAIN, failed == syscall.EINTR:
		return false, false
	}
	return n > 0, n <= 0
}
