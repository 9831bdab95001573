// Generate makes files/docs.html and files/docs.ru.html of openapi.yaml and its
// translations, openapi.ru.yaml, all in the working directory. The pages can be read
// without their script and under any prefix.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := generate(); err != nil {
		fmt.Fprintf(os.Stderr, "generate: %v\n", err)
		os.Exit(1)
	}
}

func generate() error {
	document, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return err
	}
	russian, err := os.ReadFile("openapi.ru.yaml")
	if err != nil {
		return err
	}
	pages, err := render(document, russian)
	if err != nil {
		return err
	}
	for name, html := range pages {
		if err := os.WriteFile("files/"+name, html, 0o644); err != nil {
			return err
		}
	}
	return nil
}
