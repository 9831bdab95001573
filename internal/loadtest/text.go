package loadtest

import (
	"math/rand/v2"
	"strings"
	"unicode/utf8"

	"dummymessenger/internal/messenger"
)

// DefaultSenders are the ten senders of a run that names none.
var DefaultSenders = []string{
	"Анна", "Борис", "Мария Петрова", "Ёжик в тумане", "Дмитрий",
	"Alice", "Bob", "Grace Hopper", "O'Brien", "Linus",
}

var phrases = []string{
	// What a messenger carries.
	"привет", "как дела?", "скоро буду", "спасибо!", "встречаемся в семь", "ты где", "уже выхожу", "не забудь зонт",
	"отправил отчёт", "хорошо", "давай завтра", "посмотри, пожалуйста", "Ёлки-палки", "всё готово", "ну и погода",
	"hello", "on my way", "see you at seven", "thanks a lot", "did you get the mail?", "not yet", "sure", "lunch?",
	"the build is green", "can you review it", "sounds good", "I'll be late", "where are you", "naïve café", "done",
	"😀", "🎉🎉", "👍🏽", "👩‍👩‍👧", "❤️", "🐹", "🤷", "🇷🇺",
	// What breaks careless encoders.
	`"в кавычках"`, `it's "quoted"`, "две\nстроки", "line one\r\nline two", "tab\there", `C:\temp\new`, `\u0041 \n`,
	"<script>alert(1)</script>", "'; DROP TABLE messages; --", "&amp;", "%s %d", "{}[]", "\u2028\u2029", "e\u0301", "\u200f", "//",
}

// plainPhrases are for servers that take no other characters.
var plainPhrases = []string{
	"hello", "on my way", "see you at seven", "thanks a lot", "did you get the mail", "not yet", "sure", "lunch",
	"the build is green", "can you review it", "sounds good", "where are you", "done", "call me back",
}

// leastText is the least that texts may be limited to: the mark, and a few characters.
const leastText = 64

// A textMaker invents texts, the same ones for the same random source.
type textMaker struct {
	random  *rand.Rand
	phrases []string
	longest int // in characters
}

func newTextMaker(random *rand.Rand, r *RequestProfile) textMaker {
	m := textMaker{random, phrases, messenger.MaxText}
	if r.Texts == "plain" {
		m.phrases = plainPhrases
	}
	if r.MaxText > 0 {
		m.longest = min(r.MaxText, messenger.MaxText)
	}
	return m
}

// next makes a text that starts with nonce. Most are a few phrases long, some
// several hundred characters; one in 200 has any length that is allowed, and
// one in 2000 the greatest.
func (m *textMaker) next(nonce string) string {
	least := utf8.RuneCountInString(nonce)
	var size int // of the text, in characters
	switch kind := m.random.IntN(2000); {
	case kind == 0:
		size = m.longest
	case kind <= 10:
		size = least + m.random.IntN(m.longest-least+1)
	case kind <= 200:
		size = least + m.random.IntN(600)
	default:
		size = least + 5 + m.random.IntN(60)
	}
	size = min(size, m.longest)
	var b strings.Builder
	b.Grow(2 * size)
	b.WriteString(nonce)
	for n := least; n < size; {
		b.WriteByte(' ')
		n++
		for _, r := range m.phrases[m.random.IntN(len(m.phrases))] {
			if n == size {
				break
			}
			b.WriteRune(r)
			n++
		}
	}
	return b.String()
}
