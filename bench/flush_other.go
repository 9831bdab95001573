//go:build !linux

package main

import "os"

const flushCall = "fsync"

func flush(f *os.File) error { return f.Sync() }
