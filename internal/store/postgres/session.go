package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pins are settings of every session, whatever the URL, the environment, the role,
// the database or a later ALTER SYSTEM say: those that a guarantee rests on, and
// those that the statements here are written for.
var pins = map[string]string{
	"client_encoding":             "UTF8",
	"standard_conforming_strings": "on",
	"quote_all_identifiers":       "off", // tableSQL compares names
	"array_nulls":                 "on",
	"transform_null_equals":       "off",
	"TimeZone":                    "UTC",
	"DateStyle":                   "ISO, MDY",

	// A commit whose wait for the standby was cancelled says so in a WARNING.
	"client_min_messages": "warning",

	// In stricter isolation, a transaction that waited for a lock would not see what
	// was committed meanwhile. The second setting lets a role that is read-only by
	// default write.
	"default_transaction_isolation":  "read committed",
	"default_transaction_read_only":  "off",
	"default_transaction_deferrable": "off",

	// Under a policy that hides rows, statements fail instead of leaving them out.
	"row_security": "off",

	// Each of these would end a session, or a commit's wait for the standby.
	"statement_timeout":                   "0",
	"idle_in_transaction_session_timeout": "0",
	"idle_session_timeout":                "0",
	"client_connection_check_interval":    "0",
	"exit_on_error":                       "off",
	"lock_timeout":                        milliseconds(lockTimeout),

	// Every statement has one good plan, by index. A plan made from the
	// statistics of a young, empty table would scan it, and would be kept
	// while the table grows.
	"plan_cache_mode":                 "force_generic_plan",
	"enable_seqscan":                  "off",
	"enable_bitmapscan":               "off",
	"enable_hashjoin":                 "off",
	"enable_mergejoin":                "off",
	"enable_indexscan":                "on",
	"enable_indexonlyscan":            "on",
	"enable_nestloop":                 "on",
	"max_parallel_workers_per_gather": "0",
	"jit":                             "off",
	"default_table_access_method":     "heap",
}

// writerPins are pins in the writer's session only.
var writerPins = map[string]string{
	"idle_in_transaction_session_timeout": milliseconds(idleInTransactionTimeout),

	// If the network dies in the middle of a batch, PostgreSQL waits for the rest
	// with the lock held, and does not count that as idle. Its keep-alive probes
	// end the session, as ours (see parse) end the connection.
	"tcp_keepalives_idle":     "2",
	"tcp_keepalives_interval": "1",
	"tcp_keepalives_count":    "3",
	"tcp_user_timeout":        "5000",
}

// laterPins are pins that version 15 does not know. In the startup packet it would
// refuse them, so they are there only in sessions of servers that are known to be newer.
var laterPins = map[string]string{
	"transaction_timeout": "0", // 17
}

// laterWriterPins are laterPins in the writer's session.
//
// A replica that freezes in the middle of a batch that it has sent in part holds the
// lock, and is not idle for PostgreSQL. Version 17 ends its transaction after this
// long; a commit that waits for the standby is not limited by it.
var laterWriterPins = map[string]string{
	"transaction_timeout": milliseconds(lockTimeout + idleInTransactionTimeout + commitTimeout),
}

// knowsLaterPins is the first version whose startup packet may have laterPins.
const knowsLaterPins = 17

// version returns the major version of the server, 0 if it does not say.
func version(conn *pgconn.PgConn) int {
	major, _, _ := strings.Cut(conn.ParameterStatus("server_version"), ".")
	n, _ := strconv.Atoi(major) // a beta has letters behind the number, and is told by what it knows
	return n
}

// safePath is a search_path that has only PostgreSQL's own functions. Statements
// name the schema of our tables.
const safePath = "pg_catalog, pg_temp"

// settingsThatLose turn a damaged page into missing messages. Only a superuser may
// set them, so a session of ours cannot.
var settingsThatLose = []string{"zero_damaged_pages", "ignore_checksum_failure"}

// guard makes config pin the settings of each new session and inspect it. A session
// that inspect refuses is closed, and the next host is tried. want is the log that
// was opened, nil while it is being opened.
//
// The pins are in the startup packet already, where they beat everything but a
// SET, and hold from the first statement on. They are set again because a pooler
// may have dropped them, and because some cannot be in the packet.
func guard(config *pgx.ConnConfig, want *pinned) {
	if want != nil {
		set(config, map[string]string{"search_path": safePath})
	}
	settings := maps.Clone(laterPins)
	for name, value := range config.RuntimeParams {
		if _, ok := pins[name]; ok || writerPins[name] != "" || laterPins[name] != "" || want != nil && name == "search_path" {
			settings[name] = value
		}
	}
	pin := pinSQL(settings)
	config.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if _, err := conn.Exec(ctx, pin).ReadAll(); err != nil {
			return err
		}
		return inspect(ctx, conn, want)
	}
}

// pinSQL returns a statement that makes those settings that the server knows. As the
// search_path may still be anything, every name in it is qualified.
func pinSQL(settings map[string]string) string {
	// Off would make commits return before they are flushed. Any other value the
	// session keeps, even if the server's configuration is changed and reloaded.
	set := []string{`pg_catalog.set_config('synchronous_commit',
		CASE WHEN pg_catalog.current_setting('synchronous_commit') OPERATOR(pg_catalog.=) 'off'
		THEN 'on' ELSE pg_catalog.current_setting('synchronous_commit') END, false)`}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		set = append(set, fmt.Sprintf(`CASE WHEN pg_catalog.current_setting('%[1]s', true) IS NOT NULL
			THEN pg_catalog.set_config('%[1]s', '%[2]s', false) END`, name, settings[name]))
	}
	return `SELECT ` + strings.Join(set, ", ")
}

// inspect refuses a session that cannot write, whose settings lose messages, or
// that leads to another log than want, or to an older state of it.
func inspect(ctx context.Context, conn *pgconn.PgConn, want *pinned) error {
	look := []string{`pg_catalog.current_setting('transaction_read_only')`, `NULL`}
	if want != nil {
		look[1] = want.placeSQL
	}
	for _, name := range settingsThatLose {
		look = append(look, `pg_catalog.current_setting('`+name+`', true)`)
	}
	results, err := conn.Exec(ctx, `SELECT `+strings.Join(look, ", ")).ReadAll()
	if err != nil {
		return err
	}
	row := results[0].Rows[0]
	if string(row[0]) == "on" {
		return errReadOnly
	}
	if want != nil && string(row[1]) != want.place {
		return another("this is another database, or another server, than the one that the log was opened in; is a second primary running?")
	}
	for i, name := range settingsThatLose {
		if value := row[2+i]; value != nil && string(value) != "off" {
			return fmt.Errorf("the database's setting %s is on, by which damaged messages vanish without an error; turn it off", name)
		}
	}
	if want == nil {
		return nil
	}
	return want.lookBy(ctx, conn)
}

var errReadOnly = errors.New("the database accepts no writes: it is a standby, in recovery")
