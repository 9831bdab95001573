package pgcluster

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestFind(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("makes programs by their Unix permission bits")
	}
	root := t.TempDir()
	t.Setenv("PATH", root)
	saved := installed
	t.Cleanup(func() { installed = saved })
	installed = []string{filepath.Join(root, "postgresql", "*", "bin")}

	if dir, err := find(); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("find on an empty machine = %q, %v, want ErrNotInstalled", dir, err)
	}
	for _, version := range []string{"9.6", "15", "8.4"} {
		programs(t, filepath.Join(root, "postgresql", version, "bin"), "initdb", "postgres")
	}
	programs(t, filepath.Join(root, "postgresql", "17", "bin"), "psql") // a client only
	want := filepath.Join(root, "postgresql", "15", "bin")
	if dir, err := find(); err != nil || dir != want {
		t.Errorf("find = %q, %v, want the newest complete one, %q", dir, err, want)
	}

	// PATH goes first, through symbolic links.
	want = filepath.Join(root, "postgresql", "9.6", "bin")
	if err := os.Symlink(filepath.Join(want, "initdb"), filepath.Join(root, "initdb")); err != nil {
		t.Fatal(err)
	}
	if dir, err := find(); err != nil || dir != want {
		t.Errorf("find = %q, %v, want the one in PATH, %q", dir, err, want)
	}
}

// programs makes empty executable files.
func programs(t *testing.T, dir string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
