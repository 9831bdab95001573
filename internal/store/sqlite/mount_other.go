//go:build !linux

package sqlite

// mounted reports nothing: a file alone cannot be mounted here.
func mounted(string) bool { return false }
