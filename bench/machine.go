package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// facts say where and how everything is measured. load is the load average
// before the start.
func (b *bench) facts(ctx context.Context, load string) ([]string, error) {
	flush, err := flushLatency(b.dir, min(b.length, time.Second))
	if err != nil {
		return nil, err
	}
	sqlite, err := sqliteVersion()
	if err != nil {
		return nil, err
	}
	postgres := "postgres"
	if b.cluster != nil {
		postgres = b.cluster.Program(postgres)
	}
	plan := fmt.Sprintf("rounds: %d after a warm-up, each run %s after %s", b.rounds, b.length, b.warmup)
	if b.tooShort {
		plan = "one round of a few hundred requests"
	}
	return []string{
		time.Now().UTC().Format("2 January 2006, 15:04 UTC"),
		"load average before the start " + cmp.Or(load, "unknown"),
		"commit " + commit(ctx), runtime.Version(),
		"PostgreSQL " + version(ctx, postgres), "SQLite " + sqlite, "etcd " + version(ctx, "etcd"),
		fmt.Sprintf("%d processors (%s) that all share", runtime.NumCPU(),
			firstMatch("/proc/cpuinfo", `(?m)^model name\s*:\s*(.*)$`, runtime.GOARCH)),
		"memory " + firstMatch("/proc/meminfo", `(?m)^MemTotal:\s+(.*)$`, "unknown"),
		firstMatch("/etc/os-release", `(?m)^PRETTY_NAME="?([^"\n]*)`, runtime.GOOS),
		"kernel " + firstMatch("/proc/sys/kernel/osrelease", `(.*)`, "unknown"),
		fmt.Sprintf("one flush (%s) %.3f ms", flushCall, milliseconds(flush)),
		plan,
	}, nil
}

// version is the first version number that program --version prints.
func version(ctx context.Context, program string) string {
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return "not found"
	}
	return regexp.MustCompile(`\d+\.[\d.]+`).FindString(string(out))
}

func sqliteVersion() (string, error) {
	db, err := sqlite3.Open(":memory:")
	if err != nil {
		return "", err
	}
	defer db.Close()
	st, _, err := db.Prepare("SELECT sqlite_version()")
	if err != nil {
		return "", err
	}
	defer st.Close()
	st.Step()
	return st.ColumnText(0), st.Err()
}

// commit is what git says of the source folder, if there is git.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return string(bytes.TrimSpace(out))
}

// firstMatch is what the first group of pattern matches in a file.
func firstMatch(path, pattern, otherwise string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return otherwise
	}
	if found := regexp.MustCompile(pattern).FindSubmatch(data); found != nil {
		return string(found[1])
	}
	return otherwise
}

// loadAverage returns the load average of the last minute, and whether it is so
// high that something else must be running. load is empty if the system does
// not report it.
func loadAverage() (load string, busy bool) {
	load = firstMatch("/proc/loadavg", `^([\d.]+)`, "")
	average, err := strconv.ParseFloat(load, 64)
	return load, err == nil && average > 0.5
}

// peakMemory is the most memory that a process has had, in MiB.
func peakMemory(pid int) (mib float64, err error) {
	kib := firstMatch(fmt.Sprintf("/proc/%d/status", pid), `(?m)^VmHWM:\s+(\d+) kB`, "")
	if kib == "" {
		return 0, missing("Linux's /proc, which tells the memory of a process")
	}
	n, err := strconv.ParseFloat(kib, 64)
	return n / 1024, err
}

// flushLatency is the median time that a small append to a file in dir takes
// to become durable.
func flushLatency(dir string, duration time.Duration) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "flush"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := bytes.Repeat([]byte{'x'}, 512)
	var times []float64
	for start := time.Now(); time.Since(start) < duration; {
		began := time.Now()
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
		if err := flush(f); err != nil {
			return 0, err
		}
		times = append(times, float64(time.Since(began)))
	}
	return time.Duration(median(times)), nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
