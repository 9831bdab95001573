package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"dummymessenger/internal/lab"
)

// buildAll builds the programs of this source that are measured.
func (b *bench) buildAll(ctx context.Context) error {
	b.say("building the programs")
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	b.source = filepath.Dir(string(bytes.TrimSpace(mod)))
	if err == nil {
		err = build(ctx, b.source, b.dir, "./cmd/server", "./cmd/client", "./bench/bare")
	}
	if err != nil {
		return fmt.Errorf("building the programs; run this in the source folder: %w", err)
	}
	b.server, b.client, b.bare = lab.Program(b.dir, "server"), lab.Program(b.dir, "client"), lab.Program(b.dir, "bare")
	return nil
}

// build builds packages of the module in source into the folder dir.
func build(ctx context.Context, source, dir string, packages ...string) error {
	// Version stamping is off: it fails where git distrusts the folder's owner.
	args := append([]string{"build", "-buildvcs=false", "-o", dir + string(filepath.Separator)}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// buildOther builds the server of another commit and returns its path.
func (b *bench) buildOther(ctx context.Context) (program string, err error) {
	source, dir := b.path("source"), b.path("build")
	if err := b.git(ctx, "worktree", "add", "--detach", source, b.against); err != nil {
		return "", missing("the source of commit %s: %v", b.against, err)
	}
	defer b.git(context.WithoutCancel(ctx), "worktree", "remove", "--force", source)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	return lab.Program(dir, "server"), build(ctx, source, dir, "./cmd/server")
}

func (b *bench) git(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", b.source}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, strings.Join(strings.Fields(string(out)), " "))
	}
	return nil
}
