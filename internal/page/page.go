// Package page holds what a browser shows of a replica, as plain files without a build
// step: the messenger, the status page and the description of the HTTP interface.
package page

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"path"
)

// A File is served as it is.
type File struct {
	Type    string // media type
	ETag    string // changes with Content
	Content []byte
}

// Files are all there are, by name.
var Files = load()

//go:embed files
var embedded embed.FS

//go:generate go run ./generate

// Document describes the HTTP interface: an OpenAPI 3.1 document, as YAML. Do not
// modify it. docs.html and docs.ru.html are made of it.
//
//go:embed openapi.yaml
var Document []byte

// types are fixed here and not looked up in the machine's tables.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

func load() map[string]File {
	files := map[string]File{}
	entries, err := fs.ReadDir(embedded, "files")
	if err != nil {
		panic(err) // it is embedded
	}
	for _, entry := range entries {
		name := entry.Name()
		content, err := embedded.ReadFile("files/" + name)
		if err != nil {
			panic(err)
		}
		kind, ok := types[path.Ext(name)]
		if !ok {
			panic("the page's file " + name + " has no media type")
		}
		files[name] = File{Type: kind, ETag: fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(content))[:16]), Content: content}
	}
	return files
}
