// Package pages runs the commands of a Markdown page and compares what they print with what the page says.
//
// A block fenced with ```sh holds commands; a block fenced with ```text that follows it at once holds what they print. A block
// fenced with ```sh background is a program that goes on running, as in a terminal of its own. All other blocks are text.
package pages

import (
	"fmt"
	"regexp"
	"strings"
)

// Block is some commands of a page.
type Block struct {
	// Line is the first line of the commands, counted from 1.
	Line int
	// Commands are for bash.
	Commands string
	// Background is set for a program that goes on running.
	Background bool
	// Shows is set where the page says what is printed: Said.
	Shows bool
	Said  string

	// start and end are where Said is in the page.
	start, end int
}

var fence = regexp.MustCompile("(?ms)^([ \t]*)```([a-z]+)( background)?\n(.*?)^[ \t]*```[ \t]*$")

// Parse finds the blocks of a page, from the top to the bottom.
func Parse(page string) []Block {
	var blocks []Block
	var end int // of the last block
	follows := false
	for _, at := range fence.FindAllStringSubmatchIndex(page, -1) {
		indent, language := page[at[2]:at[3]], page[at[4]:at[5]]
		content := outdented(page[at[8]:at[9]], indent)
		switch {
		case language == "sh":
			blocks = append(blocks, Block{Line: strings.Count(page[:at[8]], "\n") + 1, Commands: content, Background: at[6] != -1})
			follows = true
		case language == "text" && follows && strings.TrimSpace(page[end:at[0]]) == "":
			last := &blocks[len(blocks)-1]
			last.Shows, last.Said, last.start, last.end = true, content, at[8], at[9]
			follows = false
		default:
			follows = false
		}
		end = at[1]
	}
	return blocks
}

// outdented takes the indentation of a list item away.
func outdented(text, indent string) string {
	if indent == "" {
		return text
	}
	var lines strings.Builder
	for line := range strings.Lines(text) {
		lines.WriteString(strings.TrimPrefix(line, indent))
	}
	return lines.String()
}

// Rewrite returns the page with what was printed, by block, in place of what it says.
func Rewrite(page string, blocks []Block, printed map[int]string) string {
	var fresh strings.Builder
	end := 0
	for i, block := range blocks {
		text, differs := printed[i]
		if !differs || !block.Shows {
			continue
		}
		fresh.WriteString(page[end:block.start])
		fresh.WriteString(text)
		end = block.end
	}
	fresh.WriteString(page[end:])
	return fresh.String()
}

// what differs from run to run, and what stands for it in a comparison.
var volatile = []struct {
	pattern *regexp.Regexp
	as      string
}{
	{regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z`), "<time>"},
	{regexp.MustCompile(`[A-Z][a-z]+day [0-9]{1,2} [A-Z][a-z]+ [0-9]{4}, [0-9]{2}:[0-9]{2}`), "<time>"},
	{regexp.MustCompile(`\b[0-9]{2}:[0-9]{2}(:[0-9]{2})?\b`), "<hour>"},
	{regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), "<uid>"},
	{regexp.MustCompile(`(Resource Version: +|"?resourceVersion"?: *)"?[0-9]+"?`), "<version>"},
	{regexp.MustCompile(`\b([0-9]+[smhd])+\b`), "<age>"},
	{regexp.MustCompile(`127\.0\.0\.1:[0-9]+`), "<address>"},
	{regexp.MustCompile(`(?m)[ \t]+$`), ""},
	{regexp.MustCompile(` {2,}`), "  "}, // columns are as wide as what is in them
}

// Comparable returns the text without what differs from run to run.
func Comparable(text string) string {
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.as)
	}
	return strings.TrimRight(text, "\n")
}

// Difference says what was printed instead of what the page says, or nothing.
func (b Block) Difference(printed string) string {
	if !b.Shows || Comparable(printed) == Comparable(b.Said) {
		return ""
	}
	return fmt.Sprintf("line %d:\n%s\nThe page says:\n%s\nPrinted:\n%s", b.Line, b.Commands, b.Said, printed)
}
