package table

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/client-go/util/jsonpath"
)

// costLimit bounds the work of one expression for one row.
const costLimit = 100_000

// value is a Value that is ready to be taken from rows.
type value struct {
	Value

	format  Format
	path    *jsonpath.JSONPath
	program cel.Program
}

func compileValue(v Value, format Format) (*value, error) {
	set := 0
	for _, from := range []string{v.From, v.Text, v.CEL} {
		if from != "" {
			set++
		}
	}
	if set != 1 {
		return nil, errors.New("set exactly one of from, text and cel")
	}
	compiled := &value{Value: v, format: format}
	var err error
	switch {
	case v.CEL != "":
		compiled.program, err = compileCEL(v.CEL)
	case format == JSON && strings.HasPrefix(v.From, "{"):
		compiled.path, err = compilePath(v.From)
	}
	return compiled, err
}

func compilePath(path string) (*jsonpath.JSONPath, error) {
	if strings.Contains(path, "[-") || strings.Contains(path, ":-") {
		// The library counts from the end of the first list that it sees, and from nowhere afterwards.
		return nil, fmt.Errorf("%s counts from the end, which is not supported: use cel", path)
	}
	compiled := jsonpath.New("path").AllowMissingKeys(true)
	if err := compiled.Parse(path); err != nil {
		return nil, fmt.Errorf("%s is no JSONPath: %w", path, err)
	}
	return compiled, nil
}

func compileCEL(expression string) (cel.Program, error) {
	env, err := cel.NewEnv(cel.Variable("row", cel.MapType(cel.StringType, cel.DynType)), ext.Strings(), cel.DefaultUTCTimeZone(true))
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil, fmt.Errorf("cel: %w", issues.Err())
	}
	return env.Program(ast, cel.CostLimit(costLimit), cel.InterruptCheckFrequency(1000))
}

// of returns what the value is in a row: nil if there is none, else text, a number, a list or an object.
func (v *value) of(ctx context.Context, r row) (any, error) {
	var found any
	var err error
	switch {
	case v.Text != "":
		return v.Text, nil
	case v.program != nil:
		found, err = evaluate(ctx, v.program, r)
	case v.path != nil:
		found, err = find(v.path, r.values)
	default:
		found = r.values[r.column(v.From)]
	}
	if err != nil {
		return nil, err
	}
	return v.translated(tidy(found))
}

// tidy trims texts, and makes nothing of what is empty.
func tidy(found any) any {
	switch found := found.(type) {
	case string:
		if trimmed := strings.TrimSpace(found); trimmed != "" {
			return trimmed
		}
		return nil
	case []any:
		var kept []any
		for _, element := range found {
			if element = tidy(element); element != nil {
				kept = append(kept, element)
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	}
	return found
}

// translated returns what values makes of a text. An empty one is not left out: a state that is missing is not Active.
func (v *value) translated(found any) (any, error) {
	if v.Values == nil {
		return found, nil
	}
	text := ""
	if found != nil {
		var err error
		if text, err = textOf(found); err != nil {
			return nil, err
		}
	}
	translated, known := v.Values[text]
	switch {
	case known:
		return tidy(translated), nil
	case text != "":
		return nil, errors.New("is none of those in values: add it there, with what it means")
	case v.Optional:
		return nil, nil //nolint:nilnil // nothing is a value here
	}
	return nil, errors.New(`is empty: correct it in the export, or add "" to values, with what it means`)
}

// textOf returns a text, a number or a boolean as text.
func textOf(found any) (string, error) {
	switch found := found.(type) {
	case string:
		return found, nil
	case bool:
		return strconv.FormatBool(found), nil
	case int64:
		return strconv.FormatInt(found, 10), nil
	case float64:
		if found == math.Trunc(found) && math.Abs(found) < 1<<53 {
			return strconv.FormatInt(int64(found), 10), nil
		}
		return strconv.FormatFloat(found, 'g', -1, 64), nil
	}
	return "", errors.New("is a list or an object where one value is meant: name the part of it that is meant by a JSONPath or by cel")
}

// evaluate returns the result of an expression as JSON has it. The error tells nothing of what is in the row.
func evaluate(ctx context.Context, program cel.Program, r row) (any, error) {
	result, _, err := program.ContextEval(ctx, map[string]any{"row": r.values})
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for _, harmless := range []string{"no such key", "no such overload", "cost limit"} {
			if strings.Contains(err.Error(), harmless) {
				return nil, fmt.Errorf("cannot be evaluated for this row (%s): correct the expression", harmless)
			}
		}
		return nil, errors.New("cannot be evaluated for this row: correct the expression, or the row in the export")
	}
	native, err := result.ConvertToNative(reflect.TypeFor[*structpb.Value]())
	if err != nil {
		return nil, errors.New("has a result that JSON does not know: have the expression return a text, a number, a list or a map")
	}
	converted, is := native.(*structpb.Value)
	if !is {
		return nil, fmt.Errorf("has a result of type %T", native)
	}
	return converted.AsInterface(), nil
}

// find returns what a path leads to: one value as it is, several as a list.
func find(path *jsonpath.JSONPath, in any) (any, error) {
	results, err := path.FindResults(in)
	if err != nil {
		return nil, errors.New("does not lead through what the export has there: correct the JSONPath")
	}
	var all []any
	for _, group := range results {
		for _, result := range group {
			if result.IsValid() && result.CanInterface() && result.Interface() != nil {
				all = append(all, result.Interface())
			}
		}
	}
	switch len(all) {
	case 0:
		return nil, nil //nolint:nilnil // nothing is a value here
	case 1:
		return all[0], nil
	}
	return all, nil
}
