package sqlite

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"
)

// createTable is also how the table is recognised: SQLite keeps this text. The
// constraints are the last line of defence; the code never runs into them.
const createTable = `CREATE TABLE messages (
	seq          INTEGER PRIMARY KEY CHECK (seq > 0),
	sender       TEXT    NOT NULL CHECK (length(sender) BETWEEN 1 AND 64),
	sender_count INTEGER NOT NULL CHECK (sender_count > 0),
	text         TEXT    NOT NULL CHECK (length(text) BETWEEN 1 AND 4096),
	sent_at      INTEGER NOT NULL, -- microseconds since 1970-01-01 UTC
	id           BLOB    NOT NULL CHECK (length(id) = 16),
	UNIQUE (sender, sender_count),
	UNIQUE (id)
) STRICT`

// createID makes the view that holds the log's id. It is a view so that the id is
// part of the schema: no statement changes it without changing the schema's
// version, and it stands in the file's first page.
const createID = `CREATE VIEW log_id AS SELECT '%s' AS id`

var isID = regexp.MustCompile(`^` + fmt.Sprintf(createID, `([0-9a-f-]{36})`) + `$`)

var errForeign = errors.New(`there is a "messages" or "log_id" table, view, index or trigger already ` +
	`that is not this program's; nothing was changed: name another file`)

// A schema is what the database holds of the log.
type schema struct {
	table bool
	id    string // empty if the log has none, as one of an earlier version
}

// schema returns the schema, or an error if the database holds objects of another
// program under our names, or any that would change what is stored or read.
func (c *conn) schema() (s schema, err error) {
	encoding, err := c.text("PRAGMA encoding")
	if err != nil {
		return schema{}, err
	}
	if encoding != "UTF-8" {
		return schema{}, fmt.Errorf("the database's text is encoded in %s, which can change a message; "+
			"nothing was changed: name another file", encoding)
	}

	foreign := false
	err = c.rows(func(st *sqlite3.Stmt) {
		kind, sql := st.ColumnText(0), st.ColumnText(1)
		if id := isID.FindStringSubmatch(sql); kind == "view" && id != nil {
			s.id = id[1]
		} else if kind == "table" && sql == createTable {
			s.table = true
		} else {
			foreign = true
		}
	}, `SELECT type, sql FROM sqlite_schema
		WHERE (name COLLATE NOCASE IN ('messages', 'log_id') OR tbl_name COLLATE NOCASE IN ('messages', 'log_id'))
		AND sql IS NOT NULL -- the indexes of UNIQUE constraints have none`)
	switch {
	case err != nil:
		return schema{}, err
	case foreign:
		return schema{}, errForeign
	}
	return s, nil
}

// createIfMissing creates the log, unless another process that started at the same
// instant has, and returns its id.
func (c *conn) createIfMissing() (id string, err error) {
	if err := c.exec(begin); err != nil {
		return "", err
	}
	found, err := c.schema()
	if err != nil {
		return "", err // closing the connection rolls back
	}
	if found.table && found.id != "" {
		return found.id, c.exec(rollback)
	}
	if !found.table {
		if err := c.db.Exec(createTable); err != nil {
			return "", err
		}
	}
	if found.id == "" {
		found.id = uuid.NewString()
		if err := c.db.Exec(fmt.Sprintf(createID, found.id)); err != nil {
			return "", err
		}
	}
	return found.id, c.exec(commit)
}
