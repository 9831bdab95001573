package program

import (
	"cmp"
	"os"
)

// Locale returns the name of the locale (POSIX, "Internationalization Variables").
func Locale() string { return cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")) }
