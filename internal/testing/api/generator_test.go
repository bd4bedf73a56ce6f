package api_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"pgregory.net/rapid"
)

// generator makes values from a schema: some that fit, some that lie just beyond a border, some that are plainly wrong.
// Equal seeds make equal values.
type generator struct {
	*rand.Rand
}

func newGenerator(kind string, seed uint64) generator {
	name := fnv.New64()
	_, _ = name.Write([]byte(kind))
	return generator{rand.New(rand.NewPCG(name.Sum64(), seed))}
}

func oneIn[T any](g generator, values ...T) T { return values[g.IntN(len(values))] }

func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

// mutate changes a few places in the tree, which the schema describes, and returns the changed tree.
func (g generator) mutate(tree any, schema apiextensionsv1.JSONSchemaProps) any {
	for range 1 + g.IntN(3) {
		tree = g.mutateOnce(tree, schema)
	}
	return tree
}

func (g generator) mutateOnce(tree any, schema apiextensionsv1.JSONSchemaProps) any {
	if _, isList := tree.([]any); isList && schema.Items == nil {
		return g.value(schema) // an earlier mutation put a list where none belongs
	}
	switch node := tree.(type) {
	case map[string]any:
		if len(schema.Properties) == 0 || g.chance(5) {
			node["unknownField"] = g.anything()
			return node
		}
		name := oneIn(g, slices.Sorted(maps.Keys(schema.Properties))...)
		child, found := node[name]
		switch {
		case found && g.chance(75):
			node[name] = g.mutateOnce(child, schema.Properties[name])
		case found && g.chance(15):
			delete(node, name)
		default:
			node[name] = g.value(schema.Properties[name])
		}
		return node
	case []any:
		if len(node) == 0 || g.chance(20) {
			return append(node, g.value(*schema.Items.Schema))
		}
		at := g.IntN(len(node))
		if g.chance(5) {
			return slices.Delete(node, at, at+1)
		}
		node[at] = g.mutateOnce(node[at], *schema.Items.Schema)
		return node
	default:
		return g.value(schema)
	}
}

// value fits the schema's type, and often all of the schema.
func (g generator) value(schema apiextensionsv1.JSONSchemaProps) any {
	switch {
	case g.chance(4):
		return nil
	case g.chance(2):
		return g.anything()
	case len(schema.Enum) > 0:
		return g.enum(schema)
	}
	switch schema.Type {
	case "object":
		object := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
			if slices.Contains(schema.Required, name) || g.chance(40) {
				object[name] = g.value(schema.Properties[name])
			}
		}
		return object
	case "array":
		items := []any{}
		for range g.IntN(3) {
			items = append(items, g.value(*schema.Items.Schema))
		}
		return items
	case "integer":
		return g.integer(schema)
	case "string":
		return g.text(schema)
	default:
		return g.anything()
	}
}

func (g generator) enum(schema apiextensionsv1.JSONSchemaProps) any {
	raw := json.RawMessage(oneIn(g, schema.Enum...).Raw)
	if g.chance(10) {
		return json.RawMessage(strings.ToLower(string(raw)))
	}
	return raw
}

// integer is one as JSON can write it, which is more than Go's integers read.
func (g generator) integer(schema apiextensionsv1.JSONSchemaProps) any {
	if g.chance(60) {
		border := int64(1)
		if schema.Minimum != nil && g.chance(50) {
			border = int64(*schema.Minimum)
		} else if schema.Maximum != nil && g.chance(50) {
			border = int64(*schema.Maximum)
		}
		return json.RawMessage(fmt.Sprint(border + int64(oneIn(g, -1, 0, 0, 1))))
	}
	return json.RawMessage(oneIn(g,
		"0", "-0", "1", "-1", "1.0", "1.5", "1e3", "1E2", "100e-2", "1e-1", "2147483647", "2147483648", "4294967296", "3000000000.0",
		"9007199254740991", "9007199254740992", "9007199254740993", "9007199254740991.0", "9223372036854775807", "9223372036854775808",
		"-9223372036854775808", "-9223372036854775809", "18446744073709551616", "1e15", "1e18", "1e19", "1e21", "1e400", "1e-400",
	))
}

func (g generator) text(schema apiextensionsv1.JSONSchemaProps) any {
	switch {
	case schema.Format == "date-time":
		return g.time()
	case strings.Contains(schema.Pattern, "ns|us|"):
		return g.duration()
	case schema.Pattern != "" && g.chance(70):
		matching := rapid.StringMatching(schema.Pattern).Example(g.IntN(1 << 20))
		if g.chance(50) {
			return matching
		}
		return g.disturbed(matching)
	case schema.MaxLength != nil && g.chance(20):
		return strings.Repeat(oneIn(g, "a", "é", "🚪", "\u2028"), int(*schema.MaxLength)+oneIn(g, -1, 0, 1))
	default:
		return oneIn[any](g, "", " ", "null", "a", "ana@example.com", "42", "\u0000", "\u001f", "\u007f", "\u0085", "\u00a0", "\u2028", "\ufeff",
			"\ufffd", "\U0010ffff", "🚪", "e\u0301", "\u202Eabc", "<>&", json.RawMessage(`"\ud800"`), json.RawMessage(`"\udc00\ud800"`),
			json.RawMessage(`"\u0000"`), json.RawMessage(`"\/\b\f"`), json.RawMessage("\"\xff\xfe\""), json.RawMessage("\"\xc0\xaf\""))
	}
}

// disturbed puts a character into a text, or takes one out.
func (g generator) disturbed(text string) string {
	characters := []rune(text)
	at := g.IntN(len(characters) + 1)
	if at < len(characters) && g.chance(30) {
		return string(slices.Delete(characters, at, at+1))
	}
	stranger := []rune(oneIn(g, " ", "\t", "\n", "\u0000", "\u007f", "\u00a0", "\u200b", "\u2028", "\u0130", "ſ", "@", ".", "..", "-", "A", "é", "🚪", "<", ",", "\\", `"`))
	return string(slices.Insert(characters, at, stranger...))
}

// time is put together from parts, most of which are right.
func (g generator) time() string {
	part := func(usual string, odd ...string) string {
		if g.chance(85) {
			return usual
		}
		return oneIn(g, odd...)
	}
	return part(oneIn(g, "2026", "2027", "1000", "1970", "9998", "9999"), "0000", "0001", "0999", "1969", "10000", "-001", "+2026", "26") +
		part(oneIn(g, "-12-01", "-01-01", "-12-31"), "-02-29", "-02-30", "-13-01", "-00-00", "-6-1", "-336", "-W12-1") +
		part("T", "t", " ", "", "TT", "T ") +
		part(oneIn(g, "12:00:00", "00:00:00", "23:59:59"), "23:59:60", "24:00:00", "12:60:00", "12:00", "120000", "1:00:00", "12:00:61") +
		part("", ".0", ".5", ".123456789", ".1234567890", ".999999999", ",5", ".", "x5", ".-1") +
		part(oneIn(g, "Z", "Z", "+00:00", "-00:00", "+23:59", "-23:59"), "z", "+24:00", "+14:60", "+99:99", "+0100", "+01", "", "UTC", "Z ", "ZTx", "\n")
}

// duration is put together from parts, most of which are right.
func (g generator) duration() string {
	var parts strings.Builder
	if g.chance(10) {
		parts.WriteString(oneIn(g, "-", "+", " ", "P", "PT"))
	}
	for range 1 + g.IntN(3) {
		parts.WriteString(oneIn(g, "0", "1", "30", "1.5", "90", "8760", "8761", "0.0001", "0.0000000001", "00", "1.", ".5", "1e3", "2562047", "2562048",
			"9223372036854775807", "9223372036854775808", "99999999999999999999", "0.99999999999999999999"))
		parts.WriteString(oneIn(g, "h", "m", "s", "h", "m", "s", "ms", "us", "µs", "μs", "ns", "d", "", "H", " "))
	}
	return parts.String()
}

func (g generator) anything() any {
	return oneIn[any](g, nil, true, json.RawMessage("1"), json.RawMessage("1.5"), "text", []any{}, []any{nil}, map[string]any{}, map[string]any{"a": "b"})
}
