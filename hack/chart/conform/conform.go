// Package conform checks manifests by the schemas that an API server publishes, those of this project's kinds among them.
package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/yannh/kubeconform/pkg/validator"
	"k8s.io/client-go/discovery"
)

// New returns a strict validator of kubeconform's. Its schemas are written into a directory. An API server publishes those of
// new kinds a moment after it serves them: New waits until the named ones are there, each like member-access-v1alpha1.
func New(ctx context.Context, client discovery.DiscoveryInterface, directory string, kinds ...string) (validator.Validator, error) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		if err := schemas(client, directory); err != nil {
			return nil, err
		}
		missing := slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool {
			_, err := os.Stat(filepath.Join(directory, kind+".json"))
			return err == nil
		})
		if len(missing) == 0 {
			return validator.New([]string{directory + "/{{ .ResourceKind }}{{ .KindSuffix }}.json"}, validator.Opts{Strict: true})
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the schemas of %q: %w", missing, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// schemas writes the schemas of every kind into a directory.
func schemas(client discovery.DiscoveryInterface, directory string) error {
	paths, err := client.OpenAPIV3().Paths()
	if err != nil {
		return err
	}
	for path, group := range paths {
		if !strings.HasPrefix(path, "api/") && !strings.HasPrefix(path, "apis/") {
			continue
		}
		content, err := group.Schema("application/json")
		if err != nil {
			return fmt.Errorf("the schemas of %s: %w", path, err)
		}
		if err := write(directory, content); err != nil {
			return fmt.Errorf("the schemas of %s: %w", path, err)
		}
	}
	return nil
}

// Problems are what a validator finds in a YAML stream. Kinds without a schema are none, and counted apart.
func Problems(v validator.Validator, name, manifests string) (problems []string, valid, unknown int) {
	for _, result := range v.Validate(name, io.NopCloser(strings.NewReader(manifests))) {
		switch {
		case result.Status == validator.Valid:
			valid++
		case result.Status == validator.Empty:
		case result.Err != nil && strings.Contains(result.Err.Error(), "could not find schema"):
			unknown++
		default:
			signature, _ := result.Resource.Signature()
			problems = append(problems, fmt.Sprintf("%s: %s: %v %v", name, signature.QualifiedName(), result.Err, result.ValidationErrors))
		}
	}
	return problems, valid, unknown
}

// write writes one JSON schema for each kind of an OpenAPI document, as kubeconform names them.
func write(directory string, document []byte) error {
	var api struct {
		Components struct {
			Schemas map[string]map[string]any `json:"schemas"`
		} `json:"components"`
	}
	text := strings.ReplaceAll(string(document), "#/components/schemas/", "#/definitions/")
	if err := json.Unmarshal([]byte(text), &api); err != nil {
		return err
	}
	for _, schema := range api.Components.Schemas {
		strict(schema)
	}
	for name, schema := range api.Components.Schemas {
		kinds, _ := schema["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 { // options of requests belong to every group
			continue
		}
		kind, _ := kinds[0].(map[string]any)
		content, err := json.Marshal(map[string]any{"$ref": "#/definitions/" + name, "definitions": api.Components.Schemas})
		if err != nil {
			return err
		}
		suffix := fmt.Sprint(kind["version"])
		if group, _ := kind["group"].(string); group != "" {
			first, _, _ := strings.Cut(group, ".")
			suffix = first + "-" + suffix
		}
		file := strings.ToLower(fmt.Sprintf("%s-%s.json", kind["kind"], suffix))
		if err := os.WriteFile(filepath.Join(directory, file), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// strict refuses fields that a schema does not name.
func strict(schema map[string]any) {
	_, named := schema["properties"]
	_, more := schema["additionalProperties"]
	if named && !more && schema["x-kubernetes-preserve-unknown-fields"] != true {
		schema["additionalProperties"] = false
	}
	for _, value := range schema {
		switch below := value.(type) {
		case map[string]any:
			strict(below)
		case []any:
			for _, item := range below {
				if nested, isMap := item.(map[string]any); isMap {
					strict(nested)
				}
			}
		}
	}
}
