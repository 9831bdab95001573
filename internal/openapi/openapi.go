// Package openapi is the description of the HTTP interface: an OpenAPI document,
// and the page for people that generate makes of it.
package openapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
)

//go:generate go run ./generate

// Document is the OpenAPI 3.1 document, as YAML. Do not modify it.
//
//go:embed openapi.yaml
var Document []byte

// Page is Document as HTML. Do not modify it.
//
//go:embed page.html
var Page []byte

// PagePolicy is the Content-Security-Policy to serve Page with: it allows the
// page's own style and nothing else.
var PagePolicy = policy(Page)

func policy(page []byte) string {
	_, style, _ := bytes.Cut(page, []byte("<style>"))
	style, _, _ = bytes.Cut(style, []byte("</style>"))
	sum := sha256.Sum256(style)
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
