package chart

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

const readme = "charts/kisi-operator/README.md"

// The table of values stands between these lines of the README.
const begin, end = "<!-- values: made from values.yaml by `make manifests` -->\n", "<!-- end of values -->"

// Value is a value of the chart.
type Value struct {
	Key, Default, Text string
}

// readmeOf returns the README with the table of values as values.yaml has them.
func readmeOf(root string) (string, error) {
	content, err := os.ReadFile(filepath.Join(root, readme))
	if err != nil {
		return "", err
	}
	before, rest, found := strings.Cut(string(content), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("%s: the lines around the table of values are missing", readme)
	}
	values, err := Values(root)
	if err != nil {
		return "", err
	}
	var table strings.Builder
	table.WriteString("\n| value | default | meaning |\n| --- | --- | --- |\n")
	for _, v := range values {
		fmt.Fprintf(&table, "| `%s` | `%s` | %s |\n", v.Key, strings.ReplaceAll(v.Default, "|", `\|`), strings.ReplaceAll(v.Text, "|", `\|`))
	}
	return before + begin + table.String() + "\n" + end + after, nil
}

// Values returns the values of the chart with their documentation, in their order.
func Values(root string) ([]Value, error) {
	content, err := os.ReadFile(filepath.Join(Dir(root), "values.yaml"))
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, err
	}
	return valuesIn("", document.Content[0])
}

func valuesIn(prefix string, mapping *yaml.Node) ([]Value, error) {
	var values []Value
	for i := 0; i < len(mapping.Content); i += 2 {
		name, value := mapping.Content[i], mapping.Content[i+1]
		key := prefix + name.Value
		text, documented := textOf(name.HeadComment)
		if !documented {
			if value.Kind != yaml.MappingNode || len(value.Content) == 0 {
				return nil, fmt.Errorf("values.yaml, line %d: %s has no comment that begins with `# --`", name.Line, key)
			}
			below, err := valuesIn(key+".", value)
			if err != nil {
				return nil, err
			}
			values = append(values, below...)
			continue
		}
		standard, err := defaultOf(value)
		if err != nil {
			return nil, err
		}
		values = append(values, Value{Key: key, Default: standard, Text: text})
	}
	return values, nil
}

// textOf returns what a comment says from its `# --` on.
func textOf(comment string) (string, bool) {
	_, text, found := strings.Cut(comment, "# -- ")
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "\n#", "\n")), " "), found
}

// defaultOf returns a value as JSON in one line.
func defaultOf(node *yaml.Node) (string, error) {
	var value any
	if err := node.Decode(&value); err != nil {
		return "", err
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return strings.TrimSpace(line.String()), err
}
