package sqlite

import (
	"os"
	"strconv"
	"strings"
)

// mounted reports whether path, which is absolute and without symbolic links,
// is a mount point.
func mounted(path string) bool {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false // there is no /proc
	}
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > 4 && unescape(fields[4]) == path {
			return true
		}
	}
	return false
}

// unescape replaces \040 and the like, the escapes of proc_pid_mountinfo(5).
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
