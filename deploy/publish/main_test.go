package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A published copy names the old path nowhere, its imports are there, and its READMEs say how to get it.
func TestPublish(t *testing.T) {
	t.Parallel()
	const source, module = "../..", "example.com/someone/post"
	dir := t.TempDir()
	err := filepath.WalkDir(source, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "dist" || d.Name() == "bin"):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, strings.TrimPrefix(name, filepath.Clean(source)))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
	// In a worktree of git, .git is a file.
	if err := os.WriteFile(filepath.Join(dir, ".git"), []byte("gitdir: elsewhere\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := publish(dir, module); err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-buildvcs=false", "-test", "-deps", "./...") // fails at an import that is not there
	list.Dir = dir
	if out, err := list.CombinedOutput(); err != nil {
		t.Errorf("go list: %v\n%s", err, out)
	}
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(name, "deploy/publish/") {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		for _, old := range []string{"dummymessenger/internal/", "dummymessenger/cmd/"} {
			if strings.Contains(string(text), old) {
				t.Errorf("%s still names %s", name, old)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"README.md":           {"\n    git clone https://" + module + "\n    go install " + module + "/cmd/...@latest\n", "pkg.go.dev/" + module},
		"README.ru.md":        {"\n    git clone https://" + module + "\n    go install " + module + "/cmd/...@latest\n", "pkg.go.dev/" + module},
		"Dockerfile":          {"-X " + module + "/internal/program.version="},
		".goreleaser.yaml":    {"-X " + module + "/internal/program.version="},
		"deploy/deb/build":    {"-X " + module + "/internal/program.version="},
		"deploy/check/go.mod": {"replace " + module + " => ../..", "module " + module + "/deploy/check"},
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s lacks %q", name, w)
			}
		}
	}
	if err := publish(dir, module); err == nil {
		t.Error("a second time: no error")
	}
}
