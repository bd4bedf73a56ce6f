package desk_test

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe looks for what keeps people out who cannot see, or use no mouse.
//
//go:embed testdata/axe/axe.min.js
var axe string

// screens is where screenshots are kept, and pictures where those of the docs are.
const (
	screens  = "../../bin/desk"
	pictures = "../../docs/pictures"
)

// browser is a tab of Chromium that notes what goes wrong in it.
type browser struct {
	t   *testing.T
	run func(steps ...chromedp.Action[chromedp.Void]) error

	mu    sync.Mutex
	wrong []string
}

// chromium finds the browser, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium on the PATH, so the desk is not driven; on Debian: apt-get install chromium")
	return ""
}

// browse opens a tab of its own browser.
func browse(t *testing.T) *browser {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(chromium(t)))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium has none for root
	}
	allocated, end := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(end)
	patient, stop := context.WithTimeout(allocated, 5*time.Minute)
	t.Cleanup(stop)
	tab, closeTab := chromedp.NewContext(patient)
	t.Cleanup(closeTab)
	b := &browser{t: t, run: func(steps ...chromedp.Action[chromedp.Void]) error { return chromedp.Do(tab, steps...) }}
	if err := chromedp.Listen(tab, b.heard); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.fine)
	return b
}

// heard notes what a page says that is wrong with it.
func (b *browser) heard(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.note("exception: %s at %s:%d", e.ExceptionDetails.Text, e.ExceptionDetails.URL, e.ExceptionDetails.LineNumber)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.note("console: %s", words(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.note("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *page.EventJavascriptDialogOpening:
		b.note("a name runs: %s", e.Message)
	}
}

func words(arguments []*runtime.RemoteObject) string {
	var all []string
	for _, a := range arguments {
		all = append(all, string(a.Value)+a.Description)
	}
	return strings.Join(all, " ")
}

func (b *browser) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = append(b.wrong, fmt.Sprintf(format, args...))
}

// fine fails the test if anything went wrong in the tab.
func (b *browser) fine() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, wrong := range b.wrong {
		b.t.Errorf("in the browser: %s", wrong)
	}
	b.wrong = nil
}

// forget drops what went wrong because the test had it go wrong.
func (b *browser) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = nil
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := b.run(steps...); err != nil {
		b.t.Fatal(err)
	}
}

// ask returns what a JavaScript expression is in the page.
func ask[T any](b *browser, expression string) (value T) {
	b.t.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		var err error
		value, err = chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise)(ctx, t)
		return chromedp.Void{}, err
	})
	return value
}

// open goes to a page.
func (b *browser) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address), chromedp.WaitVisible(chromedp.CSS("#live")))
}

// follows waits until the page has begun to follow the desk: it is renewed when it does.
func (b *browser) follows() {
	b.t.Helper()
	b.within(20*time.Second, "the page follows the desk", `performance.getEntriesByType("resource").some((e) => e.initiatorType === "fetch" && e.responseEnd > 0)`)
}

// part is a part of a test, in the same tab.
func (b *browser) part(t *testing.T, name string, do func()) {
	t.Run(name, func(part *testing.T) {
		b.t = part
		defer func() { b.t = t }()
		do()
	})
}

// within waits until an expression is true in the page, and returns how long that took.
func (b *browser) within(patience time.Duration, what, expression string) time.Duration {
	b.t.Helper()
	start := time.Now()
	for {
		err := b.run(chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(10*time.Millisecond), chromedp.WithPollingTimeout(patience)))
		took := time.Since(start)
		switch {
		case err == nil:
			return took
		case errors.Is(err, chromedp.ErrPollingTimeout) || took > patience:
			b.t.Fatalf("not within %s: %s\n%s", patience, what, ask[string](b, "document.body.innerText"))
		}
		// Another page was loaded meanwhile, and is asked again.
	}
}

// look sets how wide the page is, in light or in dark.
func (b *browser) look(width, height int64, scheme string) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}))
}

// accessible fails the test for what axe finds.
func (b *browser) accessible(name string) {
	b.t.Helper()
	type finding struct {
		ID, Help string
		Nodes    []struct{ HTML, FailureSummary string }
	}
	b.do(chromedp.Evaluate[chromedp.Void](axe))
	for _, f := range ask[[]finding](b, `axe.run(document, {resultTypes: ["violations"]}).then((result) => result.violations)`) {
		for _, node := range f.Nodes {
			b.t.Errorf("%s: %s (%s): %.300s\n%s", name, f.Help, f.ID, node.HTML, node.FailureSummary)
		}
	}
}

// fits fails the test for a page that has to be moved sideways.
func (b *browser) fits(name string) {
	b.t.Helper()
	over := ask[[]string](b, `document.documentElement.scrollWidth <= window.innerWidth ? [] :
		[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > window.innerWidth && !e.closest(".scroll, svg")).map((e) => e.outerHTML.slice(0, 120))`)
	if len(over) > 0 {
		b.t.Errorf("%s is wider than the screen: %s", name, strings.Join(over, "\n"))
	}
}

// keep keeps a screenshot.
func (b *browser) keep(directory, name string) {
	b.t.Helper()
	if err := os.MkdirAll(directory, 0o750); err != nil {
		b.t.Fatal(err)
	}
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		picture, err := chromedp.FullScreenshot(100)(ctx, t)
		if err != nil {
			return chromedp.Void{}, err
		}
		return chromedp.Void{}, os.WriteFile(filepath.Join(directory, name+".png"), picture, 0o600)
	})
}
