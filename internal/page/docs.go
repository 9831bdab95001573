package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
)

//go:generate go run ./generate

// Document describes the HTTP interface: an OpenAPI 3.1 document, as YAML. Do not
// modify it.
//
//go:embed openapi.yaml
var Document []byte

// Docs is Document as HTML, made by generate. Do not modify it.
//
//go:embed docs.html
var Docs []byte

// DocsPolicy is the Content-Security-Policy to serve Docs with: it allows the
// page's own style and nothing else.
var DocsPolicy = policy(Docs)

func policy(page []byte) string {
	_, style, _ := bytes.Cut(page, []byte("<style>"))
	style, _, _ = bytes.Cut(style, []byte("</style>"))
	sum := sha256.Sum256(style)
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
