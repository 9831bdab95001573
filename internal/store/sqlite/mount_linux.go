package sqlite

import (
	"os"
	"strings"
)

// escapeMount writes a path as proc_pid_mountinfo(5) does.
var escapeMount = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)

// mounted reports whether path, which is absolute and without symbolic links,
// is a mount point.
func mounted(path string) bool {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false // there is no /proc
	}
	path = escapeMount.Replace(path)
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[4] == path {
			return true
		}
	}
	return false
}
