package loadtest

import "net"

// peek returns false: Windows has no read that neither blocks nor consumes.
func peek(net.Conn) (came, ended bool) { return false, false }
