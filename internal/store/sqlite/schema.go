package sqlite

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

// createTable is also how the table is recognised: SQLite keeps this text and
// gives it back. The constraints are the last line of defence; the code below
// never runs into them.
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

var errForeign = errors.New(`there is a "messages" table, view, index or trigger already that is not this program's; nothing was changed: name another file`)

// hasTable tells whether the table is there. A foreign one is an error.
func (c *conn) hasTable() (found bool, err error) {
	encoding, err := c.text("PRAGMA encoding")
	if err != nil {
		return false, err
	}
	if encoding != "UTF-8" {
		return false, fmt.Errorf("the database's text is encoded in %s, which can change a message; nothing was changed: name another file", encoding)
	}

	foreign := false
	err = c.rows(func(st *sqlite3.Stmt) {
		found = true
		if st.ColumnText(0) != "table" || st.ColumnText(1) != createTable {
			foreign = true
		}
	}, `SELECT type, sql FROM sqlite_schema
		WHERE (name = 'messages' COLLATE NOCASE OR tbl_name = 'messages' COLLATE NOCASE)
		AND sql IS NOT NULL -- the indexes of UNIQUE constraints have none`)
	switch {
	case err != nil:
		return false, err
	case foreign:
		return false, errForeign
	}
	return found, nil
}

// createIfMissing settles between processes that start at the same instant
// who creates the table.
func (c *conn) createIfMissing() error {
	if err := c.exec(begin); err != nil {
		return err
	}
	found, err := c.hasTable()
	if err != nil {
		return err // closing the connection rolls back
	}
	if found {
		return c.exec(rollback)
	}
	if err := c.db.Exec(createTable); err != nil {
		return err
	}
	return c.exec(commit)
}
