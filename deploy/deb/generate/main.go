// Generate makes manuals, and completions for bash, of what the programs say at --help:
//
//	go run ./deploy/deb/generate FROM PREFIX TO
//
// takes server, client and demo from the folder FROM. They are installed with PREFIX before their
// names, and so are called the files in the folder TO: one for bash, and one that ends in .1.gz.
package main

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

var names = []string{"server", "client", "demo"}

func main() {
	log.SetFlags(0)
	from, prefix, to := os.Args[1], os.Args[2], os.Args[3]
	// A name where it is called, not spoken of.
	called := regexp.MustCompile(`(Usage: |"|: |    )(` + strings.Join(names, "|") + `) `)
	for _, name := range names {
		help := func(args ...string) []string {
			cmd := exec.Command(filepath.Join(from, name), append(args, "--help")...)
			cmd.Env = []string{"COLUMNS=9999"} // each paragraph is a line
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				log.Fatalf("%v: %v", cmd, err)
			}
			text := called.ReplaceAllString(string(out), "${1}"+prefix+"${2} ")
			text, _, _ = strings.Cut(text, "\nUsage: ") // if asked twice
			return strings.Split(strings.TrimSpace(text), "\n")
		}
		p := program{Name: prefix + name, help: help()}
		for _, l := range help("--help") { // which lists the commands, instead of explaining the default one
			if m := command.FindStringSubmatch(l); m != nil && !slices.Equal(help(m[1]), p.help) {
				p.Commands = append(p.Commands, program{Name: m[1], help: help(m[1])})
			}
		}
		var completion strings.Builder
		if err := bash.Execute(&completion, p); err != nil {
			log.Fatal(err)
		}
		write(filepath.Join(to, p.Name), completion.String())
		write(filepath.Join(to, p.Name+".1.gz"), p.manual(prefix))
	}
}

// A program, or a command of one.
type program struct {
	Name     string
	Commands []program
	help     []string // lines of --help
}

var (
	command = regexp.MustCompile(`^  (\w+) {2,}\S`)
	flag    = regexp.MustCompile(`^ +(?:(-\w), )?(--[\w-]+)(?:=(\S+))?`)
	item    = regexp.MustCompile(`^ {2,6}(\S.*?) {2,}(\S.*)`) // a flag, an argument or a command, and its text
)

var bash = template.Must(template.New("").Parse(`# Made of {{.Name}} --help.
{{.Function}}() {
	local flag=$3 word words='{{.Words}}'
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $word in{{range .Commands}}
		{{.Name}}) words='{{.Words}}'; break ;;{{end}}
		esac
	done
	[[ $flag != = ]] || flag=${COMP_WORDS[COMP_CWORD-2]}
	case $flag in{{range $flag, $values := .Values}}
	{{$flag}}) words='{{$values}}' ;;{{end}}
	esac
	COMPREPLY=($(compgen -W "$words" -- "$2"))
}
complete -o default -F {{.Function}} {{.Name}} # by default the names of files
`))

func (p program) Function() string { return "_" + strings.ReplaceAll(p.Name, "-", "_") }

// Words are the flags and commands.
func (p program) Words() string {
	var words []string
	for _, l := range p.help {
		if m := flag.FindStringSubmatch(l); m != nil {
			words = append(words, m[2])
		}
	}
	for _, c := range p.Commands {
		words = append(words, c.Name)
	}
	return strings.Join(words, " ")
}

// Values are what flags that take a value can be given; nothing if that is not known.
func (p program) Values() map[string]string {
	values := map[string]string{}
	for _, c := range append(p.Commands, p) {
		for _, l := range c.help {
			if m := flag.FindStringSubmatch(l); m != nil && m[3] != "" {
				choice := ""
				if strings.Contains(m[3], "|") {
					choice = strings.ReplaceAll(m[3], "|", " ")
				}
				values[m[2]], values[cmp.Or(m[1], m[2])] = choice, choice
			}
		}
	}
	return values
}

// roff keeps man from taking these for its own, or for typographic signs.
var roff = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `'`, `\(aq`, "`", `\(ga`, `^`, `\(ha`, `~`, `\(ti`)

func (p program) manual(prefix string) string {
	var b strings.Builder
	name := roff.Replace(p.Name)
	about, _, _ := strings.Cut(p.help[2], ". ")
	about, _, _ = strings.Cut(about, " (")
	fmt.Fprintf(&b, ".TH %s 1 \"\" DummyMessenger\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n", strings.ToUpper(name), name, roff.Replace(about))
	section(&b, p.help, ".SH")
	for _, c := range p.Commands {
		fmt.Fprintf(&b, ".SH COMMAND %s\n", strings.ToUpper(c.Name))
		section(&b, c.help, ".SS")
	}
	b.WriteString(".SH SEE ALSO\n")
	for _, other := range names {
		fmt.Fprintf(&b, ".BR %s (1)\n", roff.Replace(prefix+other))
	}
	return b.String()
}

// section writes what --help prints, with headings of a level.
func section(b *strings.Builder, help []string, level string) {
	for i, l := range help {
		text := roff.Replace(l)
		usage, isUsage := strings.CutPrefix(text, "Usage: ")
		switch m := item.FindStringSubmatch(text); {
		case isUsage:
			fmt.Fprintf(b, ".B %s\n", usage)
			if level == ".SH" {
				b.WriteString(".SH DESCRIPTION\n")
			}
		case text == "Arguments:", text == "Flags:":
			fmt.Fprintf(b, "%s %s\n", level, strings.TrimSuffix(text, ":"))
		case m != nil:
			fmt.Fprintf(b, ".TP\n.B %s\n%s\n", m[1], m[2])
		case text == "" && !strings.HasPrefix(help[i+1], " "):
			b.WriteString(".PP\n")
		case text != "":
			fmt.Fprintln(b, text)
		}
	}
}

// write makes a file, compressed if its name says so.
func write(path, text string) {
	if strings.HasSuffix(path, ".gz") {
		var b strings.Builder
		z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
		z.Write([]byte(text))
		z.Close()
		text = b.String()
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
}
