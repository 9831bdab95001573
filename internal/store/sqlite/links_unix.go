//go:build unix

package sqlite

import (
	"io/fs"
	"os"
	"syscall"
)

// links returns how many names the file of info has.
func links(_ *os.File, info fs.FileInfo) uint64 {
	return uint64(info.Sys().(*syscall.Stat_t).Nlink)
}
