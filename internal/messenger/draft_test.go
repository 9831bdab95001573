package messenger

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestNFCOfEveryCharacter(t *testing.T) {
	longest := 0
	for r := range rune(unicode.MaxRune + 1) {
		if unicode.Is(unicode.Cs, r) {
			continue
		}
		s := string(r)
		if got, want := nfc(s), norm.NFC.String(s); got != want {
			t.Errorf("nfc(%+q) = %+q, want %+q", s, got, want)
		}
		longest = max(longest, utf8.RuneCountInString(norm.NFD.String(s)))
	}
	if longest != maxDecomposition {
		t.Errorf("a character decomposes into up to %d, want %d", longest, maxDecomposition)
	}
}

// Up to 30 marks in a row, the library is right.
func TestNFCAgreesWithTheLibrary(t *testing.T) {
	alphabet := []rune("aeiouAUyоиеЙёقا가각ᄀ\u1161\u11a8\u0300\u0301\u0302\u0308\u0323\u0327\u0328\u0344\u0345\u0338" +
		"\u05b4\u0591\u0653\u0b3e\u0b47\u0958\u1e0b\u1e69\ufb1d\U0001d15e")
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		runes := make([]rune, random.IntN(12))
		for i := range runes {
			runes[i] = alphabet[random.IntN(len(alphabet))]
		}
		s := string(runes)
		if got, want := nfc(s), norm.NFC.String(s); got != want {
			t.Fatalf("nfc(%+q) = %+q, want %+q", s, got, want)
		}
	}
}

func TestNFCOfManyMarks(t *testing.T) {
	acute, below := strings.Repeat("\u0301", 30), "\u0323"
	for s, want := range map[string]string{
		"q" + acute + below:                "q" + below + acute,
		"a" + strings.Repeat("\u0301", 63): "\u00e1" + strings.Repeat("\u0301", 62),
		strings.Repeat("\u0301", 64):       strings.Repeat("\u0301", 64),
		strings.Repeat("\u0344", 32):       strings.Repeat("\u0308\u0301", 32),
		"b" + strings.Repeat("\u0327", 31): "b" + strings.Repeat("\u0327", 31),
		"q" + acute + "\u034f" + "\u0301":  "q" + acute + "\u034f" + "\u0301",
		"e" + strings.Repeat("\u0301", 40): "\u00e9" + strings.Repeat("\u0301", 39),
		strings.Repeat("e\u0301", 64):      strings.Repeat("\u00e9", 64),
		strings.Repeat("\u1100\u1161", 20): strings.Repeat("\uac00", 20),
		"\u0061\u0315\u0300\u05ae\u0062":   "\u00e0\u05ae\u0315\u0062",
	} {
		if got := nfc(s); got != want {
			t.Errorf("nfc(%+q) = %+q, want %+q", s, got, want)
		}
	}
}

func TestNewDraft(t *testing.T) {
	for _, c := range []struct {
		sender, text string
		want         string // stored sender, or what the error says
		ok           bool
	}{
		{"Анна", "привет", "Анна", true},
		{"Zoe\u0308", "x", "Zo\u00eb", true},
		{strings.Repeat("я", 64), "x", strings.Repeat("я", 64), true},
		{strings.Repeat("e\u0301", 64), "x", strings.Repeat("\u00e9", 64), true}, // 128 characters before NFC
		{strings.Repeat("я", 65), "x", "sender has 65 characters", false},
		{strings.Repeat("\u03b1\u0313\u0300\u0345", 64), "x", strings.Repeat("\u1f82", 64), true}, // 256 of them
		{strings.Repeat("\u03b1\u0313\u0300\u0345", 65), "x", "sender has 260 characters", false}, // they cannot become 64
		{strings.Repeat("\u0958", 33), "x", "sender has 66 characters", false},                    // NFC takes two for each
		{"", "x", "sender is empty", false},
		{"a\x00", "x", "U+0000", false},
		{"a\nb", "x", "U+000A", false},
		{"a\u0085b", "x", "U+0085", false},
		{"a\xff", "x", "UTF-8", false},
		{"a", "", "text is empty", false},
		{"a", "\x00", "U+0000", false},
		{"a", "\n\t\u0085", "a", true},
		{"a", strings.Repeat("\U0001f600", 4096), "a", true},
		{"a", strings.Repeat("x", 4097), "text has 4097 characters", false},
		{"a", "\xed\xa0\x80", "UTF-8", false},
		{"a", "Zoe\u0308", "a", true}, // text stays as it is
	} {
		d, err := NewDraft(c.sender, c.text)
		switch {
		case c.ok && (err != nil || d.Sender != c.want || d.Text != c.text):
			t.Errorf("NewDraft(%+q, %.20q) = %+v, %v", c.sender, c.text, d, err)
		case !c.ok && (err == nil || KindOf(err) != Invalid || !strings.Contains(err.Error(), c.want)):
			t.Errorf("NewDraft(%+q, %.20q): %v, want an invalid one that says %q", c.sender, c.text, err, c.want)
		}
	}
}

func TestKeyID(t *testing.T) {
	a, b := KeyID("a"), KeyID("b")
	if a == b || a != KeyID("a") {
		t.Error("IDs do not follow keys")
	}
	if a[6]>>4 != 8 || a[8]>>6 != 2 {
		t.Errorf("%x is no UUIDv8", a)
	}
}
