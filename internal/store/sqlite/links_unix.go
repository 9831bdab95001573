//go:build unix

package sqlite

import (
	"io/fs"
	"os"
	"syscall"
)

// links returns how many names the file of info has, and the number that tells it
// apart from the others on its file system.
func links(_ *os.File, info fs.FileInfo) (names, number uint64) {
	stat := info.Sys().(*syscall.Stat_t)
	return uint64(stat.Nlink), uint64(stat.Ino)
}
