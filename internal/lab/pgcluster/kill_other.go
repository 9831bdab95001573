//go:build !linux

package pgcluster

// KillHard is Kill: only Linux tells which processes are the server's.
func (c *Cluster) KillHard() error { return c.Kill() }
