package sqlite

import (
	"io/fs"
	"os"
	"syscall"
)

// links returns how many names f has, and the number that tells it apart from the
// others on its file system.
func links(f *os.File, _ fs.FileInfo) (names, number uint64) {
	var info syscall.ByHandleFileInformation
	if err := syscall.GetFileInformationByHandle(syscall.Handle(f.Fd()), &info); err != nil {
		return 1, 0 // as on a file system without links
	}
	return uint64(info.NumberOfLinks), uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow)
}
