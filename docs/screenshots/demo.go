package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/draw"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/lab/browser"
)

// maxAnimation is the most bytes of the animated picture.
const maxAnimation = 1_000_000

// animate makes the animated picture of the three demos: both replicas' pages while the
// client runs, the report of a run amid faults, and that of a server that counts wrongly.
func (s *studio) animate(ctx context.Context) error {
	var frames []image.Image
	for _, scene := range []struct {
		args  []string
		opens *regexp.Regexp // what the demo prints of the page to open
		ready []string       // one frame when each is true
	}{
		{[]string{"--open"}, regexp.MustCompile(`side by side: (\S+)`), []string{newest(60), newest(1500), newest(3000), newest(5002)}},
		{[]string{"--kill", "--", "--lang", "en"}, regexp.MustCompile(`the report is in (\S+)`), []string{scrolled("h1"), scrolled("#throughput")}},
		{[]string{"--broken", "count-plus-one", "--", "--lang", "en", "--html", filepath.Join(s.dir, "broken.html")},
			regexp.MustCompile(`the report is in (\S+)`), []string{scrolled("h1"), scrolled(".exhibit")}},
	} {
		shots, err := s.demo(ctx, scene.args, scene.opens, scene.ready)
		if err != nil {
			return fmt.Errorf("demo %q: %w", scene.args, err)
		}
		frames = append(frames, shots...)
	}
	animation, err := animated(frames, 1800*time.Millisecond)
	if err != nil {
		return err
	}
	if len(animation) > maxAnimation {
		return fmt.Errorf("demo: %d bytes, want at most %d", len(animation), maxAnimation)
	}
	return os.WriteFile(filepath.Join(s.out, "demo.png"), animation, 0o644)
}

// runBroken runs the demo against a server that counts wrongly, and returns the URL of its report.
func (s *studio) runBroken(ctx context.Context, lang string) (report string, err error) {
	report = filepath.Join(s.dir, "broken-"+lang+".html")
	out, err := exec.CommandContext(ctx, lab.Program(s.dir, "demo"), "--broken", "count-plus-one", "--",
		"--lang", lang, "--html", report).CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); !ended { // as it does when it is violated
		return "", fmt.Errorf("the demo of a wrong server: %w: %s", err, out)
	}
	return "file://" + report, nil
}

// newest is true when the pages of both replicas show a message of this number, or a later
// one, at nearly the same moment. Messages do not fade in on it.
func newest(seq int) string {
	return fmt.Sprintf(`(() => {
		const shown = frames.length < 2 ? [] : [frames[0], frames[1]].map(f => {
			const still = new f.CSSStyleSheet();
			still.replaceSync(".message { animation: none !important }");
			f.document.adoptedStyleSheets = [still];
			return Number([...f.document.querySelectorAll(".message")].at(-1)?.dataset.seq);
		});
		return shown.length === 2 && Math.min(...shown) >= %d && Math.max(...shown) - Math.min(...shown) < 20;
	})()`, seq)
}

// scrolled is true when a report is scrolled to an element.
func scrolled(selector string) string {
	return fmt.Sprintf(`document.querySelector(%q).closest("section, header").scrollIntoView() ?? true`, selector)
}

// demo runs the demo, opens the page that it names, and takes a picture at each moment.
func (s *studio) demo(ctx context.Context, args []string, opens *regexp.Regexp, moments []string) (shots []image.Image, err error) {
	cmd := exec.Command(lab.Program(s.dir, "demo"), args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+s.dir, "BROWSER=true") // we are the browser
	said, stderr := io.Pipe()
	cmd.Stderr = stderr
	demo, err := lab.Start(cmd, stderr)
	if err != nil {
		return nil, err
	}
	defer func() {
		demo.Stop(os.Interrupt, 20*time.Second) // of the wrong server it does not end with 0
	}()
	url := ""
	for lines := bufio.NewScanner(said); url == "" && lines.Scan(); {
		if found := opens.FindStringSubmatch(lines.Text()); found != nil {
			url = found[1]
		}
	}
	go io.Copy(io.Discard, said)
	if url == "" {
		return nil, errors.New("it opens nothing")
	}
	if strings.HasPrefix(url, "/") {
		url = "file://" + url
	}
	page, err := s.browser.Open(url, browser.View{Width: 1000, Height: 640, Language: "en"})
	if err != nil {
		return nil, err
	}
	defer page.Close()
	for _, moment := range moments {
		if err := errors.Join(page.Wait(moment), page.Wait(drawn)); err != nil {
			return nil, err
		}
		shot, err := page.Screenshot()
		if err != nil {
			return nil, err
		}
		frame, err := png.Decode(bytes.NewReader(shot))
		if err != nil {
			return nil, err
		}
		shots = append(shots, frame)
	}
	return shots, ctx.Err()
}

// animated returns frames of one size as an animated PNG (Portable Network Graphics
// Specification, Third Edition, section 11.3.6), which repeats without end. Viewers that do
// not know these show the first frame.
func animated(frames []image.Image, each time.Duration) ([]byte, error) {
	size := frames[0].Bounds()
	all := image.NewRGBA(image.Rect(0, 0, size.Dx(), size.Dy()*len(frames)))
	for i, frame := range frames {
		draw.Draw(all, size.Add(image.Pt(0, i*size.Dy())), frame, image.Point{}, draw.Src)
	}
	palette := commonest(all) // one for all frames
	var out bytes.Buffer
	sequence := uint32(0)
	for i, frame := range frames {
		few := image.NewPaletted(size, palette)
		draw.Draw(few, size, frame, image.Point{}, draw.Src)
		var still bytes.Buffer
		encoder := png.Encoder{CompressionLevel: png.BestCompression}
		if err := encoder.Encode(&still, few); err != nil {
			return nil, err
		}
		control := func() []byte {
			b := binary.BigEndian.AppendUint32(nil, sequence)
			for _, n := range []int{size.Dx(), size.Dy(), 0, 0} {
				b = binary.BigEndian.AppendUint32(b, uint32(n))
			}
			b = binary.BigEndian.AppendUint16(b, uint16(each.Milliseconds()))
			b = binary.BigEndian.AppendUint16(b, 1000)
			sequence++
			return append(b, 0, 0) // stays until the next, which replaces it
		}
		begun := false
		for name, data := range chunks(still.Bytes()) {
			switch {
			case name == "IDAT":
				if !begun {
					writeChunk(&out, "fcTL", control())
					begun = true
				}
				if i > 0 {
					name, data = "fdAT", append(binary.BigEndian.AppendUint32(nil, sequence), data...)
					sequence++
				}
				writeChunk(&out, name, data)
			case i == 0 && name == "IHDR":
				out.Write(still.Bytes()[:8]) // the signature
				writeChunk(&out, name, data)
				writeChunk(&out, "acTL", binary.BigEndian.AppendUint64(nil, uint64(len(frames))<<32))
			case i == 0 && name != "IEND":
				writeChunk(&out, name, data)
			}
		}
	}
	writeChunk(&out, "IEND", nil)
	return out.Bytes(), nil
}

// chunks are the chunks of a PNG, by type.
func chunks(file []byte) func(yield func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for rest := file[8:]; len(rest) > 0; {
			n := binary.BigEndian.Uint32(rest)
			if !yield(string(rest[4:8]), rest[8:8+n]) {
				return
			}
			rest = rest[12+n:]
		}
	}
}

func writeChunk(w *bytes.Buffer, name string, data []byte) {
	w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data))))
	w.WriteString(name)
	w.Write(data)
	w.Write(binary.BigEndian.AppendUint32(nil, crc32.Update(crc32.ChecksumIEEE([]byte(name)), crc32.IEEETable, data)))
}
