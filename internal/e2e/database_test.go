package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"
)

// A database is read behind the replicas' backs, by plain SQL.
type database struct {
	url string

	// table returns the rows of messages in the order of seq, with the dates
	// as an answer would show them.
	table func(t *testing.T) []message

	// exec runs one statement; strings returns the first column of a query.
	exec    func(t *testing.T, sql string)
	strings func(t *testing.T, sql string) []string
}

const wireDate = "2006-01-02T15:04:05.000000Z"

func postgresDatabase(databaseURL string) database {
	connect := func(t *testing.T) *pgx.Conn {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
		return conn
	}
	query := func(t *testing.T, sql string) pgx.Rows {
		t.Helper()
		rows, err := connect(t).Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	return database{
		url: databaseURL,
		table: func(t *testing.T) []message {
			t.Helper()
			rows := query(t, "SELECT seq, sender, sender_count, text, sent_at FROM messages ORDER BY seq")
			all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m message, err error) {
				var sentAt time.Time
				err = row.Scan(&m.Seq, &m.Sender, &m.SenderCount, &m.Text, &sentAt)
				m.SentAt = sentAt.UTC().Format(wireDate)
				return m, err
			})
			if err != nil {
				t.Fatal(err)
			}
			return all
		},
		exec: func(t *testing.T, sql string) {
			t.Helper()
			if _, err := connect(t).Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		},
		strings: func(t *testing.T, sql string) []string {
			t.Helper()
			all, err := pgx.CollectRows(query(t, sql), pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			return all
		},
	}
}

func sqliteDatabase(path string) database {
	each := func(t *testing.T, sql string, row func(*sqlite3.Stmt)) {
		t.Helper()
		conn, err := sqlite3.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.BusyTimeout(patience)
		stmt, _, err := conn.Prepare(sql)
		if err != nil {
			t.Fatal(err)
		}
		defer stmt.Close()
		for stmt.Step() {
			row(stmt)
		}
		if err := stmt.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return database{
		url: "sqlite:" + path,
		table: func(t *testing.T) (all []message) {
			t.Helper()
			each(t, "SELECT seq, sender, sender_count, text, sent_at FROM messages ORDER BY seq", func(s *sqlite3.Stmt) {
				all = append(all, message{
					Seq: s.ColumnInt64(0), Sender: s.ColumnText(1), SenderCount: s.ColumnInt64(2), Text: s.ColumnText(3),
					SentAt: time.UnixMicro(s.ColumnInt64(4)).UTC().Format(wireDate),
				})
			})
			return all
		},
		exec: func(t *testing.T, sql string) {
			t.Helper()
			each(t, sql, func(*sqlite3.Stmt) {})
		},
		strings: func(t *testing.T, sql string) (all []string) {
			t.Helper()
			each(t, sql, func(s *sqlite3.Stmt) { all = append(all, s.ColumnText(0)) })
			return all
		},
	}
}
