package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// flushCall is what PostgreSQL and SQLite use here, too.
const flushCall = "fdatasync"

func flush(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
