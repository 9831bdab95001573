package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "dummymessenger/"

// A rule lists which of our packages a package may import, and why no others.
type rule struct {
	may []string
	why string
}

// Tests may import what they like. A new package is added here with its reason.
var rules = map[string]rule{
	"internal/messenger": {nil, "it is the contract that all others share, so it depends on none of them"},

	"internal/server": {
		[]string{"internal/messenger", "internal/feed", "internal/page"},
		"HTTP must not know how messages are stored; it appends through its own interface",
	},
	"internal/feed": {
		[]string{"internal/messenger"},
		"watching must not know how messages are written, nor who watches; it reads the log and that is all",
	},
	"internal/page":          {nil, "it is files; whoever serves them decides how, and tests hold them and the server together"},
	"internal/page/generate": {nil, "it makes a page of a document, whatever that describes"},

	"internal/groupcommit": {
		[]string{"internal/messenger"},
		"batching must hold for every store and every front; it knows neither SQL nor HTTP",
	},
	"internal/program":       {nil, "it holds for every program alike, whatever that does"},
	"internal/program/files": {[]string{"internal/program"}, "it opens files, whatever is in them"},
	"internal/program/usage": {nil, "command lines are alike in every program, and only programs have them"},
	"internal/credentials":   {[]string{"internal/program"}, "it reads files, whoever uses what they hold"},
	"internal/metrics": {
		[]string{"internal/program", "internal/messenger", "internal/server", "internal/groupcommit"},
		"it counts what these two tell; they must not know how",
	},

	"internal/store/memory": {
		[]string{"internal/messenger"},
		"a store knows the contract only, so that another can take its place",
	},
	"internal/store/sqlite": {
		[]string{"internal/messenger"},
		"a store knows the contract only, so that another can take its place",
	},
	"internal/store/postgres": {
		[]string{"internal/messenger"},
		"a store knows the contract only, so that another can take its place",
	},
	"internal/store/storetest": {[]string{"internal/messenger"}, "the suite must not favour one store"},
	"internal/store": {
		[]string{"internal/messenger", "internal/store/sqlite", "internal/store/postgres"},
		"it only picks the store that a URL names",
	},

	"internal/verify": {
		[]string{"internal/messenger"},
		"a verdict must depend on nothing but the operations, to be reached again from a stored history",
	},
	"internal/measure": {
		[]string{"internal/verify"},
		"figures must depend on nothing but the operations, so that a stored history has those of the live run",
	},
	"internal/loadtest": {
		[]string{"internal/messenger", "internal/verify", "internal/measure"},
		"it hands on what it sends, to be judged and measured, and must not know how that is shown; it knows the " +
			"server by its wire format only",
	},
	"internal/probe": {
		[]string{"internal/messenger", "internal/loadtest", "internal/verify"},
		"it finds out about any server from its answers alone",
	},
	"internal/report": {
		[]string{"internal/verify", "internal/measure", "internal/report/lang"},
		"results are rendered as they are, live or stored; nothing here may cause or compute them",
	},
	"internal/report/lang": {
		[]string{"internal/verify"},
		"a language must hold for every view, so it knows the sentences of verdicts and no report",
	},
	"internal/report/terminal": {
		[]string{"internal/loadtest", "internal/report", "internal/report/lang", "internal/program"},
		"it shows a run that goes on, and must neither cause nor judge it; program knows the locale",
	},
	"internal/faulty/selftest": {
		[]string{"internal/faulty", "internal/loadtest", "internal/verify", "internal/report/lang"},
		"it tries the load test as users run it, so it must not reach into it",
	},
	"internal/faulty": {
		[]string{"internal/messenger", "internal/verify", "internal/server"},
		"a faulty server must be right in all but its log, and name the check that it breaks",
	},

	"internal/lab":           {nil, "it runs the programs as their users do, from outside"},
	"internal/lab/pgcluster": {[]string{"internal/lab"}, "it runs PostgreSQL for whoever needs one"},
	"internal/lab/netfault":  {nil, "it spoils any two programs' connection, so it knows neither"},
	"internal/lab/browser":   {nil, "it shows pages, whoever serves them"},
	"internal/lab/nemesis": {
		[]string{
			"internal/lab", "internal/lab/pgcluster", "internal/lab/netfault",
			"internal/loadtest", "internal/verify", "internal/measure",
		},
		"it torments servers from outside and judges them as the client does, and their tables by SQL, without their code",
	},
	"internal/lab/labtest": {
		[]string{"internal/lab/pgcluster", "internal/lab/browser", "internal/program"},
		"it serves the tests of every package, so it must not import any of them, and no program imports it",
	},
	"internal/arch": {nil, "it is a test only"},
	"internal/e2e":  {nil, "it is a test only"},
	"internal/e2e/soak": {
		[]string{
			"internal/lab", "internal/lab/nemesis", "internal/lab/pgcluster", "internal/lab/netfault",
			"internal/loadtest", "internal/program",
		},
		"it torments the server as a process, from outside",
	},

	"examples/go": {nil, "it shows what anybody can write who has nothing of ours"},

	"cmd/server": {
		[]string{
			"internal/program", "internal/program/usage", "internal/messenger", "internal/server", "internal/groupcommit", "internal/store",
			"internal/metrics", "internal/credentials",
			"internal/feed",
		},
		"the server must not carry the load tester or what serves tests",
	},
	"cmd/client": {
		[]string{
			"internal/program", "internal/program/usage", "internal/messenger", "internal/loadtest", "internal/measure", "internal/verify",
			"internal/report", "internal/report/terminal", "internal/faulty/selftest", "internal/faulty",
			"internal/report/lang", "internal/program/files", "internal/credentials", "internal/probe"},
		"the client must judge servers without their code; faulty is for its self-test",
	},
	"cmd/demo": {
		[]string{
			"internal/lab", "internal/lab/pgcluster", "internal/program", "internal/program/usage", "internal/faulty",
			"internal/report/lang",
		},
		"the demo runs the programs as separate processes, never their code; faulty is what it shows them against, " +
			"and its labels are in the language of the client's report",
	},
	"deploy/deb/generate": {nil, "it makes manuals of what programs say of themselves, which it runs as users do"},
	"deploy/publish":      {nil, "it changes the source, whatever that is"},
	"docs/screenshots": {
		[]string{"internal/lab", "internal/lab/browser", "internal/program"},
		"it shows what users see of the programs, which it runs as they do",
	},
	"bench": {
		[]string{"internal/lab", "internal/lab/pgcluster", "internal/measure", "internal/program"},
		"it measures the programs as their users run them, never their code",
	},
	"bench/bare": {
		[]string{
			"internal/server", "internal/groupcommit", "internal/store", "internal/store/memory", "internal/messenger",
			"internal/program",
		},
		"it is the server without its layers, so it has what is below them and nothing of the load tester",
	},
}

// impure is what makes a package depend on when and where it runs.
var impure = []string{"net", "net/http", "os", "math/rand", "math/rand/v2", "crypto/rand", "log/slog"}

var pure = map[string]string{
	"internal/verify":      "a stored history must be judged as the live run was",
	"internal/measure":     "a stored history must have the figures of the live run",
	"internal/report":      "a stored result must be rendered as the live one was",
	"internal/report/lang": "a stored result must be worded as the live one was",
}

func TestImportsGoOneWay(t *testing.T) {
	for path, imports := range packages(t) {
		name := strings.TrimPrefix(path, module)
		rule, ok := rules[name]
		if !ok {
			t.Errorf("%s has no rule: say in this test what it may import, and why not more", name)
		}
		for _, imported := range imports {
			if ours, is := strings.CutPrefix(imported, module); is && !slices.Contains(rule.may, ours) {
				t.Errorf("%s must not import %s: %s", name, ours, rule.why)
			}
			if why, is := pure[name]; is && slices.Contains(impure, imported) {
				t.Errorf("%s must not import %s: %s", name, imported, why)
			}
			if imported == "C" {
				t.Errorf("%s uses cgo: whoever builds this must not need a C compiler", name)
			}
			if imported == "testing" && !slices.Contains([]string{"internal/lab/labtest", "internal/store/storetest"}, name) {
				t.Errorf("%s imports testing: it would be part of a program", name)
			}
		}
	}
}

// packages are our packages that have code besides tests, with their imports.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]string{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p.Imports
	}
	if len(all) < 5 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}
