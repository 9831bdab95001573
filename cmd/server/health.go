package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// healthTimeout is longer than /readyz takes to give up.
const healthTimeout = 4 * time.Second

// checkHealth is --healthcheck: an error unless a GET of url is answered with
// 200. It is here, and not a second program, because an image that holds
// nothing but the server has no curl, and the server is what must be asked.
func checkHealth(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1024))
	return errors.Join(fmt.Errorf("%s: %s %s", url, answer.Status, strings.TrimSpace(string(body))), err)
}
