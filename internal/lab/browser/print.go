package browser

import (
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// PDF is the page as it is printed, on paper of the size Letter, with its
// background colours only where the page insists on them.
func (p *Page) PDF() ([]byte, error) {
	return step(p, chromedp.PrintToPDF(func(*page.PrintToPDFParams) {}))
}
