package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"dummymessenger/internal/lab"
)

// talk is what the page shows in its pictures, by turns through either replica.
var talk = []struct {
	Sender string `json:"sender"`
	Text   string `json:"text"`
}{
	{"Анна", "Всем привет! Обе реплики запущены, база одна на двоих."},
	{"Bob", "Hi! I am on the other replica. Do you see this?"},
	{"Анна", "Вижу, и под тем же номером."},
	{"O'Brien", "Joining late. Did I miss anything?"},
	{"Bob", "Nothing can be missed here: the numbers have no gaps.\nScroll up, it is all there."},
	{"Ёжик в тумане", "А если одну реплику убить?"},
	{"Анна", "Тогда ответит вторая. Всё, на что ответ уже дан, останется."},
}

// shown is true when the page shows the last message of the talk.
var shown = fmt.Sprintf("document.getElementById('log').innerText.includes(%q)", talk[len(talk)-1].Text)

// converse posts the talk to the replicas.
func (s *studio) converse() error {
	for i, line := range talk {
		body, err := json.Marshal(line)
		if err != nil {
			return err
		}
		response, err := lab.Direct.Post(s.urls[i%len(s.urls)]+"/messages", "application/json", bytes.NewReader(body))
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("message %d of the talk: %s", i+1, response.Status)
		}
	}
	return nil
}
