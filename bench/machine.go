package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/report/lang"
)

// A machine is what everything ran on. What cannot be found out is left empty.
type machine struct {
	Date       time.Time `json:"date"`
	System     string    `json:"system"`
	Processor  string    `json:"processor"`
	Processors int       `json:"processors"`
	Memory     string    `json:"memory"`
	Load       string    `json:"load"` // average of the minute before the start
}

func describeMachine(load string) machine {
	m := machine{
		Date:       time.Now().UTC().Truncate(time.Second),
		System:     runtime.GOOS + "/" + runtime.GOARCH,
		Processors: runtime.NumCPU(),
		Load:       load,
	}
	m.System = firstMatch("/etc/os-release", `(?m)^PRETTY_NAME="?([^"\n]*)`, m.System)
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System += ", kernel " + string(bytes.TrimSpace(kernel))
	}
	m.Processor = firstMatch("/proc/cpuinfo", `(?m)^model name\s*:\s*(.*)$`, runtime.GOARCH)
	if kib, err := strconv.Atoi(firstMatch("/proc/meminfo", `(?m)^MemTotal:\s+(\d+) kB`, "")); err == nil {
		m.Memory = fmt.Sprintf("%.1f GiB", float64(kib)/(1<<20))
	}
	return m
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

func (m *machine) facts() []string {
	facts := []string{
		m.Date.Format("2 January 2006, 15:04 UTC"),
		fmt.Sprintf("%d processors (%s), memory %s, %s; all contenders, the client and the database share them",
			m.Processors, m.Processor, m.Memory, m.System),
	}
	if m.Load != "" {
		facts = append(facts, "load average before the start: "+m.Load)
	}
	return facts
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
		return 0, fmt.Errorf("the memory of process %d cannot be read", pid)
	}
	n, err := strconv.ParseFloat(kib, 64)
	return n / 1024, err
}

// settings returns the versions, the latency of the smallest operation of the
// disk and of PostgreSQL, and how we measure.
func (b *bench) settings(ctx context.Context) ([]string, error) {
	flush, err := flushLatency(b.dir, time.Second)
	if err != nil {
		return nil, err
	}
	facts := []string{
		"commit " + commit(ctx) + ", " + runtime.Version(),
		b.plan(),
		fmt.Sprintf("one flush (%s of a small append): median %.3f ms", flushCall, milliseconds(flush)),
	}
	if b.cluster == nil {
		return append(facts, "PostgreSQL is not installed"), nil
	}
	conn, err := pgx.Connect(ctx, b.cluster.URL("postgres"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	trip, err := roundTrip(ctx, conn, time.Second)
	if err != nil {
		return nil, err
	}
	facts = append(facts, fmt.Sprintf("one bare PostgreSQL round trip (SELECT 1, prepared, TCP): median %.3f ms", milliseconds(trip)))
	database := []string{"PostgreSQL " + conn.PgConn().ParameterStatus("server_version")}
	for _, name := range []string{
		"fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers", "max_connections", "autovacuum",
	} {
		var value string
		if err := conn.QueryRow(ctx, `SELECT current_setting($1)`, name).Scan(&value); err != nil {
			return nil, err
		}
		database = append(database, name+"="+value)
	}
	return append(facts, strings.Join(database, ", "), "SQLite: journal_mode=WAL, synchronous=FULL"), nil
}

// plan says how many rounds are measured, and for how long.
func (b *bench) plan() string {
	if b.tooShort {
		return "one round of a few hundred requests"
	}
	return fmt.Sprintf("%s after a warm-up; timed runs: %s after %s of warming up", lang.Plural(int64(b.rounds), "round"), b.length, b.warmup)
}

// commit is what git says of the source folder, if there is git.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return string(bytes.TrimSpace(out))
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
	return medianTime(duration, func() error {
		if _, err := f.Write(block); err != nil {
			return err
		}
		return flush(f)
	})
}

// roundTrip is the median time of the least that a database can be asked.
func roundTrip(ctx context.Context, conn *pgx.Conn, duration time.Duration) (time.Duration, error) {
	return medianTime(duration, func() error {
		var one int
		return conn.QueryRow(ctx, `SELECT 1`).Scan(&one)
	})
}

// medianTime calls f for so long and returns how long one call takes.
func medianTime(duration time.Duration, f func() error) (time.Duration, error) {
	var times []float64
	for start := time.Now(); time.Since(start) < duration; {
		began := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		times = append(times, float64(time.Since(began)))
	}
	return time.Duration(median(times)), nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
