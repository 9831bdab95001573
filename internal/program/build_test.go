package program

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestBuild(t *testing.T) {
	const revision = "0123456789abcdef0123456789abcdef01234567"
	tail := runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
	stamp := func(version, modified string) *debug.BuildInfo {
		info := &debug.BuildInfo{Main: debug.Module{Version: version}}
		if modified != "" {
			info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified}}
		}
		return info
	}
	tests := []struct {
		name   string
		linked string
		stamp  *debug.BuildInfo
		want   string
	}{
		{"release", "v1.2.3", stamp("v1.2.4-0.20261124-0123+dirty", "false"), "v1.2.3 (commit 0123456789ab; " + tail},
		{"release without a repository", "v1.2.3", stamp("(devel)", ""), "v1.2.3 (" + tail},
		{"go install at a version", "", stamp("v1.2.3", ""), "v1.2.3 (" + tail},
		{"go build in a changed repository", "", stamp("v0.0.0-2026+dirty", "true"),
			"v0.0.0-2026+dirty (commit 0123456789ab, modified; " + tail},
		{"a commit without a version", "", stamp("(devel)", "false"), "devel (commit 0123456789ab; " + tail},
		{"-buildvcs=false", "", stamp("(devel)", ""), "devel (" + tail},
		{"a test", "", stamp("", ""), "devel (" + tail},
		{"no stamp", "", nil, "devel (" + tail},
	}
	for _, test := range tests {
		if got := readBuild(test.linked, test.stamp).String(); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
