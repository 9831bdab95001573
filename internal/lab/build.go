package lab

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Build builds programs into dir; see Program for their paths. args are go
// build's, flags and packages such as dummymessenger/cmd/server. It needs the
// go command, and a working folder inside the source.
func Build(ctx context.Context, dir string, args ...string) error {
	// Version stamping is off: it fails where git distrusts the folder's owner.
	args = append([]string{"build", "-buildvcs=false", "-o", dir + string(filepath.Separator)}, args...)
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// Program is the path of a program in the folder that it was built into.
func Program(dir, name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, name)
}
