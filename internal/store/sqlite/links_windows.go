package sqlite

import (
	"io/fs"
	"os"
	"syscall"
)

// links returns how many names f has.
func links(f *os.File, _ fs.FileInfo) uint64 {
	var info syscall.ByHandleFileInformation
	if err := syscall.GetFileInformationByHandle(syscall.Handle(f.Fd()), &info); err != nil {
		return 1 // as on a file system without links
	}
	return uint64(info.NumberOfLinks)
}
