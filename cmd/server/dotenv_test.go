package main

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
)

// inFolderWith makes a folder with this .env the working directory, and its
// variables unset.
func inFolderWith(t *testing.T, dotEnv string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range []string{databaseName, "PGPASSWORD", "PGHOST", "OTHER"} {
		t.Setenv(name, "") // and as it was, at the end
	}
	if err := os.WriteFile(dotEnvName, []byte(dotEnv), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDotEnv(t *testing.T) {
	const example = "sqlite:other.db"
	for name, tt := range map[string]struct{ file, database, password, logged string }{
		"empty":              {"", defaultDatabase, "", ""},
		"simple":             {"DATABASE_URL=" + example + "\nPGPASSWORD=p\n", example, "p", ""},
		"empty value":        {"DATABASE_URL=\n", defaultDatabase, "", ""},
		"Windows editor":     {"\ufeffDATABASE_URL=" + example + "\r\nPGPASSWORD=p\r\n", example, "p", ""},
		"comments, export":   {"# c\n\n export  DATABASE_URL = " + example + " # ${NONE}\n", example, "", ""},
		"quotes":             {"DATABASE_URL=\"" + example + "\" # c\nPGPASSWORD='$A' \n", example, "$A", ""},
		"value of two lines": {"OTHER=\"a\nDATABASE_URL=x\"\nDATABASE_URL=" + example, example, "", ".env:1 OTHER"},
		"references": {
			"POSTGRES_PASSWORD=p\nDATABASE_URL=sqlite:${POSTGRES_PASSWORD}$POSTGRES_PASSWORD.db\n", "sqlite:pp.db", "", "",
		},
		"dollars":                {"PGPASSWORD=a$b\\$C$\n", defaultDatabase, "a$b$C$", ""},
		"another's reference":    {"POSTGRES_X=${UNKNOWN:-1}\n", defaultDatabase, "", ""},
		"name of nobody":         {"\nDATABASE=x\n", defaultDatabase, "", ".env:2 DATABASE"},
		"as if base64":           {"c2VjcmV0=\n", defaultDatabase, "", ".env:1"},
		"other database, unused": {"DATABASE_URL=" + example + "\nOLD_URL=postgres://h/d\n", example, "", ".env:2 OLD_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			inFolderWith(t, tt.file)
			var log bytes.Buffer
			f := flags{Database: defaultDatabase}
			err := addDotEnv(&f, false, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil || f.Database != tt.database || os.Getenv("PGPASSWORD") != tt.password {
				t.Errorf("database %q, password %q, %v, want %q and %q", f.Database, os.Getenv("PGPASSWORD"), err, tt.database, tt.password)
			}
			logged := log.String()
			if (logged != "") != (tt.logged != "") || !strings.Contains(logged, tt.logged) || strings.Contains(logged, "c2Vj") {
				t.Errorf("logged %q, want %q", &log, tt.logged)
			}
			if os.Getenv("OTHER") != "" {
				t.Error("a name that is not read is in the environment")
			}
		})
	}
}

// An invalid line that the server needs stops the start; the error names the line and
// does not quote it.
func TestWrongDotEnv(t *testing.T) {
	for name, tt := range map[string]struct{ file, where string }{
		"no =":                {"# c\nDATABASE_URL hunter2\n", ".env:2"},
		"YAML":                {"DATABASE_URL: postgres://a:hunter2@h/d\n", ".env:1"},
		"hyphen":              {"A=b\nDATABASE-URL=postgres://a:hunter2@h/d\n", ".env:2"},
		"no name":             {"=hunter2\n", ".env:1"},
		"misspelt":            {"X=y\nDATABASEURL=postgres://a:hunter2@h/d\n", ".env:2"},
		"lower case":          {"database_url=sqlite:hunter2.db\n", ".env:1"},
		"open quote":          {"A=b\nDATABASE_URL=\"postgres://a:hunter2@h/d\nC=d\n", ".env:2"},
		"text behind a quote": {"DATABASE_URL='a'hunter2\nC=d\n", ".env:1"},
		"undefined":           {"DATABASE_URL=postgres://a:hunter2$WORD@h/d\n", ".env:1"},
		"defined below":       {"DATABASE_URL=postgres://a:hunter2${WORD}@h/d\nWORD=x\n", ".env:1"},
		"default value":       {"POSTGRES_PORT=1\nDATABASE_URL=postgres://hunter2:${POSTGRES_PORT:-5432}/d\n", ".env:2"},
		"lower case name":     {"PGPASSWORD=hunter2${word}\n", ".env:1"},
		"UTF-16":              {"\xff\xfeD\x00A\x00=\x00h\x00\n\x00", ".env:1"},
	} {
		t.Run(name, func(t *testing.T) {
			inFolderWith(t, tt.file)
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), []string{"--listen", "127.0.0.1:0"}, &stdout, &stderr)
			if status != 64 || !strings.Contains(stderr.String(), tt.where+": ") || strings.Contains(stderr.String(), "hunter2") {
				t.Errorf("status %d, want 64, and %s without what is in it:\n%s", status, tt.where, &stderr)
			}
		})
	}
}

// The server does not read a .env that it does not need, so that file may be unreadable.
func TestDotEnvThatIsNotNeeded(t *testing.T) {
	for _, database := range []string{"sqlite:a.db", "postgres://nobody@127.0.0.1:1/none"} {
		t.Chdir(t.TempDir())
		if err := os.Mkdir(dotEnvName, 0o700); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		f := flags{Database: database}
		if err := addDotEnv(&f, true, slog.New(slog.NewTextHandler(&log, nil))); err != nil || f.Database != database {
			t.Errorf("%s and a folder .env: %v, database %q", database, err, f.Database)
		}
		if told := strings.Contains(log.String(), ".env"); told != strings.HasPrefix(database, "postgres") {
			t.Errorf("%s and a folder .env: logged %q", database, &log)
		}
		f = flags{Database: defaultDatabase}
		if err := addDotEnv(&f, false, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), ".env") {
			t.Errorf("no database and a folder .env: %v", err)
		}
	}
}
