package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"dummymessenger/internal/lab/browser"
)

// A picture is one file of the README.
type picture struct {
	name  string
	url   string
	view  browser.View
	whole bool   // as high as the page is
	ready string // an expression in JavaScript to wait for; none if empty
}

// drawn is true two frames on, when what the page's scripts draw is drawn.
const drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"

// maxSize is the most bytes of a picture. A clone of the repository holds every
// version ever committed.
const maxSize = 200_000

func (s *studio) take(p picture) error {
	page, err := s.browser.Open(p.url, p.view)
	if err != nil {
		return err
	}
	defer page.Close()
	if p.ready != "" {
		if err := page.Wait(p.ready); err != nil {
			return err
		}
	}
	if p.whole {
		if p.view.Height, err = browser.Eval[int](page, "Math.ceil(document.body.getBoundingClientRect().height)"); err != nil {
			return err
		}
		if err := page.Look(p.view); err != nil {
			return err
		}
	}
	if err := page.Wait(drawn); err != nil {
		return err
	}
	shot, err := page.Screenshot()
	if err != nil {
		return err
	}
	if complaints := page.Complaints(); len(complaints) > 0 {
		return fmt.Errorf("the browser complains: %q", complaints)
	}
	small, err := shrink(shot)
	if err != nil {
		return err
	}
	if len(small) > maxSize {
		return fmt.Errorf("%d bytes, want at most %d", len(small), maxSize)
	}
	return os.WriteFile(filepath.Join(s.out, p.name+".png"), small, 0o644)
}

// shrink encodes a picture as small as possible. It keeps the 256 most common
// colours and replaces each other one by the nearest of these.
func shrink(shot []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, err
	}
	few := image.NewPaletted(full.Bounds(), commonest(full))
	draw.Draw(few, few.Rect, full, full.Bounds().Min, draw.Src)
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, few); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// commonest returns the most common colours of a picture, without shades that
// can hardly be told from one of them.
func commonest(full image.Image) color.Palette {
	counts := map[color.RGBA]int{}
	bounds := full.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[color.RGBAModel.Convert(full.At(x, y)).(color.RGBA)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int { return cmp.Compare(counts[b], counts[a]) })
	var chosen color.Palette
	near := func(c color.RGBA) bool {
		return slices.ContainsFunc(chosen, func(o color.Color) bool {
			p := o.(color.RGBA)
			return max(apart(c.R, p.R), apart(c.G, p.G), apart(c.B, p.B)) < 10
		})
	}
	for _, c := range colors {
		if len(chosen) < 256 && !near(c) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

func apart(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }
