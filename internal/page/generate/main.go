// Generate makes docs.html of openapi.yaml, both in the working directory: a
// plain page that needs no script, so that it works offline, under any prefix and
// under the strictest policy.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := generate("openapi.yaml", "docs.html"); err != nil {
		fmt.Fprintf(os.Stderr, "generate: %v\n", err)
		os.Exit(1)
	}
}

func generate(document, page string) error {
	source, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	html, err := render(source)
	if err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	return os.WriteFile(page, html, 0o644)
}
