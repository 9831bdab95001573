package terminal

import (
	"os"

	"golang.org/x/sys/windows"
)

// obeysEscapes makes f obey escape sequences, as consoles do from Windows 10 on, and
// reports whether it does.
func obeysEscapes(f *os.File) bool {
	var mode uint32
	console := windows.Handle(f.Fd())
	return windows.GetConsoleMode(console, &mode) == nil &&
		windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
