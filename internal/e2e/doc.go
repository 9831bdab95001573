// Package e2e tests the programs as whole processes on real databases.
//
// What it checks the answers with is its own, plain code, so that a mistake
// in the client's verifier cannot hide one in the server.
package e2e
