package nemesis

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"dummymessenger/internal/verify"
)

const readTable = "SELECT seq, sender, sender_count, text, sent_at FROM messages ORDER BY seq"

// ReadTable reads the whole log that databaseURL names by plain SQL, behind
// the servers' backs.
func ReadTable(ctx context.Context, databaseURL string) ([]verify.Entry, error) {
	if path, ok := strings.CutPrefix(databaseURL, "sqlite:"); ok {
		return readSQLite(path)
	}
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, readTable)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e verify.Entry, err error) {
		var sentAt time.Time
		err = row.Scan(&e.Seq, &e.Sender, &e.SenderCount, &e.Text, &sentAt)
		e.SentAt = sentAt.UnixMicro()
		return e, err
	})
}

func readSQLite(path string) (table []verify.Entry, err error) {
	err = eachRow(path, readTable, func(s *sqlite3.Stmt) {
		table = append(table, verify.Entry{
			Seq: s.ColumnInt64(0), Sender: s.ColumnText(1), SenderCount: s.ColumnInt64(2), Text: s.ColumnText(3), SentAt: s.ColumnInt64(4),
		})
	})
	return table, err
}

// IntegrityCheck returns what SQLite finds wrong with its file.
func IntegrityCheck(path string) error {
	var found []string
	err := eachRow(path, "PRAGMA integrity_check", func(s *sqlite3.Stmt) { found = append(found, s.ColumnText(0)) })
	if err == nil && (len(found) != 1 || found[0] != "ok") {
		err = fmt.Errorf("integrity_check: %s", strings.Join(found, "; "))
	}
	return err
}

func eachRow(path, sql string, row func(*sqlite3.Stmt)) error {
	conn, err := sqlite3.Open(path)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.BusyTimeout(10 * time.Second)
	stmt, _, err := conn.Prepare(sql)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for stmt.Step() {
		row(stmt)
	}
	return stmt.Err()
}
