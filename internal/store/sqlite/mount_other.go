//go:build !linux

package sqlite

// mounted reports false: a single file cannot be mounted here.
func mounted(string) bool { return false }
