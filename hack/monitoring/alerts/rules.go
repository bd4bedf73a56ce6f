// Package alerts evaluates the rules of config/prometheus over recorded scrapes, with Prometheus' own engine.
package alerts

import (
	"fmt"
	"os"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// Group is a group of rules, as in a rule file of Prometheus.
type Group struct {
	Name  string `json:"name"`
	Rules []Rule `json:"rules"`
}

// Rule records a series or fires an alert.
type Rule struct {
	Record      string            `json:"record,omitempty"`
	Alert       string            `json:"alert,omitempty"`
	Expr        string            `json:"expr"`
	For         model.Duration    `json:"for,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Load reads a rule file.
func Load(path string) ([]Group, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Groups []Group `json:"groups"`
	}
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(file.Groups) == 0 {
		return nil, fmt.Errorf("%s: there are no rules", path)
	}
	return file.Groups, nil
}

// promQL is what expressions are parsed by.
var promQL = parser.NewParser(parser.Options{})

// Parse parses an expression.
func Parse(expression string) (parser.Expr, error) { return promQL.ParseExpr(expression) }

// faster returns the expression with every range, offset and step so many times shorter, so that a rate is over what a
// recording of seconds has. What is compared with stays as it is.
func faster(expression string, speed float64) (string, error) {
	parsed, err := Parse(expression)
	if err != nil {
		return "", err
	}
	shorten := func(d *time.Duration) { *d = time.Duration(float64(*d) / speed).Round(time.Millisecond) }
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.MatrixSelector:
			shorten(&n.Range)
		case *parser.SubqueryExpr:
			shorten(&n.Range)
			shorten(&n.Step)
			shorten(&n.OriginalOffset)
		case *parser.VectorSelector:
			shorten(&n.OriginalOffset)
		}
		return nil
	})
	return parsed.String(), nil
}
