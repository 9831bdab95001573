package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	neturl "net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"dummymessenger/internal/lab/labtest"
)

// hostile is each setting that could break a promise, a value that would, and
// what the writer's and the readers' sessions have nevertheless.
var hostile = []struct{ name, value, writer, reader string }{
	{"client_min_messages", "error", "warning", "warning"}, // hides that the standby lacks a commit
	{"synchronous_commit", "off", "on", "on"},              // commits before the flush
	{"default_transaction_isolation", "serializable", "read committed", "read committed"},
	{"default_transaction_read_only", "on", "off", "off"},
	{"default_transaction_deferrable", "on", "off", "off"},
	{"row_security", "on", "off", "off"}, // hides rows in silence
	{"search_path", "public, pg_catalog", "pg_catalog, pg_temp", "pg_catalog, pg_temp"},

	{"statement_timeout", "1", "0", "0"},
	{"lock_timeout", "1", "5s", "5s"},
	{"idle_in_transaction_session_timeout", "1", "1s", "0"},
	{"idle_session_timeout", "1", "0", "0"},
	{"transaction_timeout", "1000", "16s", "0"}, // 17; a shorter one ends sessions while they start
	{"client_connection_check_interval", "1", "0", "0"},
	{"exit_on_error", "on", "off", "off"},
	{"tcp_keepalives_idle", "9", "2", "9"},
	{"tcp_keepalives_interval", "9", "1", "9"},
	{"tcp_keepalives_count", "9", "3", "9"},
	{"tcp_user_timeout", "900000", "5000", "900000"},

	{"client_encoding", "LATIN1", "UTF8", "UTF8"},
	{"standard_conforming_strings", "off", "on", "on"},
	{"quote_all_identifiers", "on", "off", "off"},
	{"array_nulls", "off", "on", "on"},
	{"transform_null_equals", "on", "off", "off"},
	{"TimeZone", "Asia/Kolkata", "UTC", "UTC"},
	{"DateStyle", "German, DMY", "ISO, MDY", "ISO, MDY"},

	{"plan_cache_mode", "force_custom_plan", "force_generic_plan", "force_generic_plan"},
	{"enable_seqscan", "on", "off", "off"},
	{"enable_bitmapscan", "on", "off", "off"},
	{"enable_hashjoin", "on", "off", "off"},
	{"enable_mergejoin", "on", "off", "off"},
	{"enable_indexscan", "off", "on", "on"},
	{"enable_indexonlyscan", "off", "on", "on"},
	{"enable_nestloop", "off", "on", "on"},
	{"max_parallel_workers_per_gather", "8", "0", "0"},
	{"jit", "on", "off", "off"},
	{"default_table_access_method", "other", "heap", "heap"},
}

// bearable is each setting that a log works with, whatever its value, and the
// value that comes nearest to breaking it.
var bearable = []struct{ name, value, why string }{
	{"session_replication_role", "replica", "turns triggers and rules off, of which there are none; constraints stay"},
	{"lc_messages", "C", "errors are told apart by code and unlocalized severity"},
	{"escape_string_warning", "on", "no backslash is in a statement"},
	{"backslash_quote", "off", "no backslash is in a statement"},
	{"bytea_output", "escape", "no column is bytea"},
	{"extra_float_digits", "-15", "no column is a float"},
	{"IntervalStyle", "iso_8601", "no column is an interval"},
	{"xmloption", "document", "no column is XML"},
	{"check_function_bodies", "off", "no function is created"},
	{"commit_delay", "1000", "a millisecond more for each commit"},
	{"commit_siblings", "0", "goes with commit_delay"},
	{"force_parallel_mode", "on", "there are no workers; 16: debug_parallel_query"},
	{"enable_material", "off", "no plan of ours has one"},
	{"enable_sort", "off", "no plan of ours has one"},
	{"enable_tidscan", "off", "no plan of ours has one"},
	{"wal_compression", "on", "the same is flushed"},
	{"log_statement", "all", "the operator's log"},
	{"log_min_messages", "panic", "the operator's log; what the session is told is apart"},
	{"log_error_verbosity", "terse", "the operator's log"},
	{"track_activities", "off", "statistics"},
	{"default_toast_compression", "pglz", "the same comes back"},
	{"synchronize_seqscans", "off", "no plan of ours has one, and order is asked for"},
	{"temp_file_limit", "0", "nothing is sorted or hashed"},
	{"work_mem", "64", "nothing is sorted or hashed"},
	{"random_page_cost", "1e10", "scans of whole tables are off"},
	{"application_name", "other", "a name"},
	{"update_process_title", "off", "a name"},
}

// others are the settings, by what their names begin with, that do not reach a
// log in any session: planner costs, statistics, the operator's log, maintenance,
// types and features that are not used, names of places that only a superuser or
// the owner of the database can fill. Those of one transaction, transaction_…,
// begin anew with each, and are no settings of a role or a database.
var others = regexp.MustCompile(`^(allow_|backend_flush_after|backtrace_functions|compute_query_id|constraint_exclusion|cpu_|` +
	`createrole_self_grant|cursor_tuple_fraction|deadlock_timeout|debug_|default_(statistics_target|tablespace|` +
	`text_search_config)|dynamic_library_path|effective_|enable_|event_source|extension_destdir|` +
	`from_collapse_limit|geqo|gin_|hash_mem_multiplier|ignore_system_indexes|jit_|join_collapse_limit|lc_|` +
	`lo_compat_privileges|local_preload_libraries|log_|logical_decoding_work_mem|maintenance_|max_parallel_|` +
	`max_stack_depth|min_parallel_|parallel_|password_encryption|post_auth_delay|pre_auth_delay|` +
	`recursive_worktable_factor|restrict_nonsystem_relation_kind|seq_page_cost|session_preload_libraries|` +
	`stats_fetch_consistency|temp_|timezone_abbreviations|trace_|track_|transaction_(deferrable|isolation|` +
	`read_only)|vacuum_|wal_|xmlbinary)`)

// TestEverySettingIsKnown fails if the server has a setting that no list here covers.
func TestEverySettingIsKnown(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), labtest.Schema(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if version := conn.PgConn().ParameterStatus("server_version"); !strings.HasPrefix(version, "15.") {
		t.Skipf("the list was made for PostgreSQL 15, this is %s", version)
	}
	known := map[string]bool{}
	for _, s := range hostile {
		known[s.name] = true
	}
	for _, s := range bearable {
		known[s.name] = true
	}
	for _, name := range settingsThatLose {
		known[name] = true
	}
	names, err := lines(t.Context(), conn, `SELECT name FROM pg_settings
		WHERE context IN ('user', 'superuser', 'backend', 'superuser-backend')`)
	if err != nil || len(names) < 100 {
		t.Fatalf("%d settings, %v", len(names), err)
	}
	for _, name := range names {
		if !known[name] && !others.MatchString(name) {
			t.Errorf("nobody has said what a log does with the setting %s", name)
		}
	}
}

// TestSettingsHoldAgainstAll sets every hostile value in every place that a setting can
// come from, and checks what the sessions really use.
func TestSettingsHoldAgainstAll(t *testing.T) {
	t.Parallel()
	cluster := labtest.Cluster(t, unflushed)
	admin := cluster.URL("postgres")
	conn, err := pgx.Connect(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	present, err := lines(t.Context(), conn, `SELECT name FROM pg_settings`)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, name := range present {
		there[name] = true
	}
	values := map[string]string{}
	for _, s := range hostile {
		values[s.name] = s.value
	}
	for _, s := range bearable {
		values[s.name] = s.value
	}
	for name := range values {
		if !there[name] {
			delete(values, name)
		}
	}
	do := func(t *testing.T, sql string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), fmt.Sprintf(sql, args...), pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", fmt.Sprintf(sql, args...), err)
		}
	}

	for _, tt := range []struct {
		source  string
		prepare func(t *testing.T, u *neturl.URL, name string)
	}{
		{"URL", func(_ *testing.T, u *neturl.URL, _ string) {
			q := u.Query()
			for name, value := range values {
				q.Set(name, value)
			}
			u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
		}},
		{"URL in capitals", func(_ *testing.T, u *neturl.URL, _ string) {
			q := u.Query()
			for name, value := range values {
				q.Set(strings.ToUpper(name), value)
			}
			u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
		}},
		{"options", func(_ *testing.T, u *neturl.URL, _ string) {
			var options []string
			for name, value := range values {
				options = append(options, "-c "+name+"="+strings.ReplaceAll(value, " ", `\ `))
			}
			q := u.Query()
			q.Set("options", strings.Join(options, " "))
			u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
		}},
		{"role", func(t *testing.T, u *neturl.URL, name string) {
			do(t, `CREATE ROLE %s LOGIN SUPERUSER PASSWORD 'x'`, name)
			u.User = neturl.UserPassword(name, "x")
			for setting, value := range values {
				do(t, `ALTER ROLE %s SET %s = %s`, name, setting, literal(setting, value))
			}
		}},
		{"database", func(t *testing.T, _ *neturl.URL, name string) {
			for setting, value := range values {
				do(t, `ALTER DATABASE %s SET %s = %s`, name, setting, literal(setting, value))
			}
		}},
		{"reload", nil}, // last, since it is there for all
	} {
		t.Run(tt.source, func(t *testing.T) {
			name := "hostile_" + strings.ReplaceAll(strings.ToLower(tt.source), " ", "_")
			target, err := cluster.CreateDatabase(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			execute(t, target, `CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler`)
			u, err := neturl.Parse(target)
			if err != nil {
				t.Fatal(err)
			}
			if tt.prepare != nil {
				tt.prepare(t, u, name)
			}
			s := open(t, u.String())
			first, err := appendText(t.Context(), s, "привет '\\ NULL")
			if err != nil || time.Since(first.SentAt).Abs() > time.Minute {
				t.Fatalf("Append = %+v, %v", first, err)
			}
			reader, err := s.pool.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if tt.source == "reload" {
				for setting, value := range values {
					if setting != "default_table_access_method" {
						do(t, `ALTER SYSTEM SET %s = %s`, setting, literal(setting, value))
					}
				}
				do(t, `SELECT pg_reload_conf()`)
				for _, c := range []*pgx.Conn{s.writer.conn, reader.Conn()} {
					for deadline := time.Now().Add(time.Minute); show(t, c, "work_mem") != "64kB"; time.Sleep(10 * time.Millisecond) {
						if time.Now().After(deadline) {
							t.Fatal("a session has not seen the reload")
						}
					}
				}
			}
			for _, h := range hostile {
				if !there[h.name] {
					continue
				}
				if got := show(t, s.writer.conn, h.name); got != h.writer {
					t.Errorf("the writer's %s = %q, want %q", h.name, got, h.writer)
				}
				// A socket's options are read from the socket.
				if got := show(t, reader.Conn(), h.name); got != h.reader && !strings.HasPrefix(h.name, "tcp_") {
					t.Errorf("a reader's %s = %q, want %q", h.name, got, h.reader)
				}
			}
			reader.Release()
			if second, err := appendText(t.Context(), s, "second"); err != nil || second.Seq != 2 || second.SenderCount != 2 {
				t.Errorf("Append = %+v, %v", second, err)
			}
			if all, err := s.Read(t.Context(), 0, 10); err != nil || len(all) != 2 || all[0] != first {
				t.Errorf("Read = %+v, %v, want %+v first", all, err, first)
			}
			if err := s.Ready(t.Context()); err != nil {
				t.Errorf("Ready: %v", err)
			}
			open(t, u.String()) // the shape is still seen to be ours
		})
	}
}

// literal is value as SET takes it: search_path is a list of names.
func literal(setting, value string) string {
	if setting == "search_path" || setting == "DateStyle" {
		return value
	}
	return "'" + value + "'"
}

func show(t *testing.T, conn *pgx.Conn, name string) (value string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestSettingsThatLoseMessagesAreRefused(t *testing.T) {
	t.Parallel()
	cluster := labtest.Cluster(t, unflushed)
	url := cluster.URL("postgres")
	for _, name := range []string{"zero_damaged_pages", "ignore_checksum_failure"} {
		execute(t, url, `ALTER ROLE postgres SET `+name+` = on`)
		s, err := Open(t.Context(), url, slog.New(slog.DiscardHandler))
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Open: %v, want an error that names %s", err, name)
		}
		execute(t, url, `ALTER ROLE postgres RESET ALL`)
	}
}

// overruled returns the settings in a URL that the session overrules, for the log.
func TestOverruledSettingsAreTold(t *testing.T) {
	t.Parallel()
	got := fmt.Sprint(overruled("postgres://anna@h/x?statement_timeout=5&JIT=on&lock_timeout=5000&work_mem=5MB"))
	if want := "[jit statement_timeout]"; got != want {
		t.Errorf("overruled = %s, want %s", got, want)
	}
}

// OPERATIONS.md lists what a pooler must let pass.
func TestDocumentedForPgBouncer(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "ignore_startup_parameters = ")
	list, _, _ = strings.Cut(list, "`")
	got := strings.Split(list, ", ")
	config, err := parse("postgres://anna@h/x")
	if err != nil {
		t.Fatal(err)
	}
	config = writerConfig(config)
	guard(config, &pinned{})
	want := slices.Collect(maps.Keys(config.RuntimeParams))
	want = slices.DeleteFunc(want, func(name string) bool { // PgBouncer tracks these
		return slices.Contains([]string{
			"application_name", "client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings",
		}, name)
	})
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("documented %q, want %q", got, want)
	}
}

// A replica that freezes in the middle of a batch, with a part of it sent, loses the log's
// lock, though to PostgreSQL its session is not idle.
func TestFrozenBatchLosesTheLock(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	frozen, other := open(t, url), open(t, url)
	w, err := connect(t.Context(), frozen.config.Copy(), frozen.log, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if version(w.conn.PgConn()) < knowsLaterPins {
		w.close()
		t.Skip("PostgreSQL 17 and newer have transaction_timeout; an older one waits for the rest of the batch")
	}
	conn, err := w.conn.PgConn().Hijack()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Conn.Close()
	for _, sql := range []string{beginSQL, frozen.log.sql.lock} {
		conn.Frontend.Send(&pgproto3.Parse{Query: sql})
		conn.Frontend.Send(&pgproto3.Bind{})
		conn.Frontend.Send(&pgproto3.Execute{})
	}
	conn.Frontend.Send(&pgproto3.Flush{}) // and no Sync, which is the batch's end
	if err := conn.Frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	for done := 0; done < 2; {
		message, err := conn.Frontend.Receive()
		if err != nil {
			t.Fatal(err)
		}
		switch m := message.(type) {
		case *pgproto3.CommandComplete:
			done++
		case *pgproto3.ErrorResponse:
			t.Fatal(m.Message)
		}
	}
	began := time.Now()
	for tries := 1; ; tries++ {
		_, err := appendText(t.Context(), other, "after the freeze")
		if err == nil {
			if tries == 1 {
				t.Error("the frozen session did not hold the lock: nothing was shown")
			}
			break
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("the lock is still held after %v: %v", time.Since(began), err)
		}
	}
	t.Logf("the lock was free after %v", time.Since(began))
}
