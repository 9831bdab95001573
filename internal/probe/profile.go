package probe

import (
	"encoding/json"
)

// A profile is the loadtest.Profile that is written: what is as by default is left out.
type profile struct {
	Method  string         `json:"method,omitempty"`
	Path    string         `json:"path"`
	Request requestProfile `json:"request"`
	Answer  answerProfile  `json:"answer"`
}

type requestProfile struct {
	As      string `json:"as"`
	Sender  string `json:"sender"`
	Text    string `json:"text"`
	Texts   string `json:"texts,omitempty"`
	MaxText int    `json:"max_text,omitempty"`
}

type answerProfile struct {
	Messages    string `json:"messages,omitempty"`
	Keyed       bool   `json:"keyed,omitempty"`
	Order       string `json:"order,omitempty"`
	Seq         string `json:"seq,omitempty"`
	Sender      string `json:"sender,omitempty"`
	SenderCount string `json:"sender_count,omitempty"`
	OwnCount    string `json:"own_count,omitempty"`
	Text        string `json:"text"`
	SentAt      string `json:"sent_at,omitempty"`
	Date        string `json:"date,omitempty"`
	UTCOffset   string `json:"utc_offset,omitempty"`
}

// profile puts together how a server is asked and how it answers.
func (w way) profile(s *shape) []byte {
	p := profile{
		Path:    w.path,
		Request: requestProfile{As: w.as, Sender: w.sender, Text: w.text, MaxText: s.maxText},
		Answer: answerProfile{
			Messages: s.messages, Keyed: s.keyed, Order: s.order, OwnCount: s.ownCount,
			Seq: s.fields["seq"], Sender: s.fields["sender"], SenderCount: s.fields["sender_count"], Text: s.fields["text"],
			SentAt: s.fields["sent_at"], Date: s.date, UTCOffset: s.offset,
		},
	}
	if w.method != "POST" {
		p.Method = w.method
	}
	if p.Path == "" {
		p.Path = "/"
	}
	if s.plain {
		p.Request.Texts = "plain"
	}
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		panic(err) // strings and numbers
	}
	return append(data, '\n')
}
