package desk

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"

	"github.com/kisi-operator/kisi-operator/internal/cli/health"
	"github.com/kisi-operator/kisi-operator/internal/cli/text"
)

//go:embed assets
var assets embed.FS

//go:embed pages
var pages embed.FS

// views are the pages by name, each within the frame that all share.
var views = parse("today", "trouble", "held", "confirm", "person", "door", "found", "wrong")

func parse(names ...string) map[string]*template.Template {
	all := map[string]*template.Template{}
	for _, name := range names {
		all[name] = template.Must(template.New("frame.html").ParseFS(pages, "pages/frame.html", "pages/parts.html", "pages/"+name+".html"))
	}
	return all
}

// frame is what every page shows around its own.
type frame struct {
	Title     string
	Namespace string
	// Time is now, with the zone.
	Time string
	// Live is set for a page that is renewed when something has changed; Here is its address.
	Live bool
	Here string
	// Current is the entry of the menu.
	Current string
	// Held and Trouble are how many there are.
	Held, Trouble int
	// Notices say what the page does not know.
	Notices []string
	Search  matches
	Page    any
}

// show writes a page.
func (d *Desk) show(w http.ResponseWriter, r *http.Request, status int, view string, f frame) {
	question := d.question()
	clock := d.clock()
	standing := health.Status(question.In, question.Now)
	f.Namespace, f.Time, f.Here = question.In.Namespace, clock.Header(clock.Now), r.URL.RequestURI()
	f.Trouble = len(standing.Problems)
	for _, c := range standing.Connections {
		if c.Next != nil {
			f.Trouble++
		}
	}
	for _, h := range standing.Held {
		f.Held += h.Count
	}
	if since, err := d.cluster.Late(); err != nil {
		f.Notices = append(f.Notices, fmt.Sprintf("What is shown may be out of date since %s: %v", clock.Moment(since), err))
	}
	f.Notices = append(f.Notices, standing.Unknown...)
	write(w, status, view, "frame.html", f)
}

// write writes a part of a view. What others call people and things neither steers the page nor turns it around.
func write(w http.ResponseWriter, status int, view, part string, data any) {
	var page bytes.Buffer
	if err := views[view].ExecuteTemplate(text.Safe(&page), part, data); err != nil {
		http.Error(w, "The page cannot be written: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // whoever has gone does not read it
}

// wrong says what is wrong, and what to do. What came of a form is not renewed, but stays until it was read.
func (d *Desk) wrong(w http.ResponseWriter, r *http.Request, status int, title string, err error) {
	d.show(w, r, status, "wrong", frame{Title: title, Live: r.Method == http.MethodGet, Page: err.Error()})
}

// scripts are one file, since htmx begins its work before another is loaded that extends it.
var scripts = concatenated("assets/htmx/htmx.min.js", "assets/htmx/hx-sse.min.js", "assets/desk.js")

func concatenated(names ...string) []byte {
	var all []byte
	for _, name := range names {
		content, err := assets.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		all = append(append(all, content...), '\n')
	}
	return all
}

// serveScripts serves what the pages run.
func serveScripts(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, _ = w.Write(scripts) // whoever has gone does not read it
}

// Links to pages of the desk.

func personLink(address string) string { return "/people/" + url.PathEscape(address) }

func doorLink(door string) string { return "/doors/" + url.PathEscape(door) }

func heldLink(group string) string { return "/held/" + url.PathEscape(group) }
