package labtest_test

import (
	"testing"

	"dummymessenger/internal/lab/labtest"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestDatabaseIsEmptyAndGoneAfterwards(t *testing.T) {
	var used string
	t.Run("use", func(t *testing.T) {
		used = labtest.Database(t)
		if other := labtest.Database(t); other == used {
			t.Fatalf("two calls gave the same database")
		}
		conn, err := pgx.Connect(t.Context(), used)
		if err != nil {
			t.Fatal(err)
		}
		// Left open on purpose: nothing a test forgets may keep its database.
		if _, err := conn.Exec(t.Context(), "CREATE TABLE messages (n int)"); err != nil {
			t.Fatal(err)
		}
	})
	if used == "" {
		t.SkipNow() // as the subtest did
	}
	if conn, err := pgx.Connect(t.Context(), used); err == nil {
		conn.Close(t.Context())
		t.Error("the database is still there after its test")
	}
}

func TestSchemaIsEmptyAndApart(t *testing.T) {
	for range 2 {
		conn, err := pgx.Connect(t.Context(), labtest.Schema(t))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if _, err := conn.Exec(t.Context(), "CREATE TABLE messages (n int)"); err != nil {
			t.Error(err)
		}
	}
}
