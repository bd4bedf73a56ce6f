package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"text/tabwriter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// sayApplied lists objects that were applied.
func (r *run) sayApplied(objects []*unstructured.Unstructured) {
	for _, object := range objects {
		r.say("  %s/%s", strings.ToLower(object.GetKind()), object.GetName())
	}
}

// relative is a path as seen from the repository, if it lies there.
func (r *run) relative(path string) string {
	if relative, err := filepath.Rel(r.root, path); err == nil && filepath.IsLocal(relative) {
		return relative
	}
	return path
}

// sayObjects shows what `kubectl get kisi -A` does: every kind's columns, as the API server prints them.
func (r *run) sayObjects(ctx context.Context) error {
	r.say("What `kubectl get kisi -A` shows now:\n")
	config := r.cluster.AdminConfig()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	for _, list := range listKinds(r.reader.Scheme()) {
		mapping, err := r.reader.RESTMapper().RESTMapping(v1alpha1.GroupVersion.WithKind(strings.TrimSuffix(list.Kind, "List")).GroupKind(), v1alpha1.GroupVersion.Version)
		if err != nil {
			return err
		}
		table, err := getTable(ctx, client, config.Host+"/apis/"+v1alpha1.GroupVersion.String()+"/"+mapping.Resource.Resource)
		if err != nil {
			return fmt.Errorf("listing %s: %w", mapping.Resource.Resource, err)
		}
		if len(table.Rows) > 0 {
			text, err := tableText(mapping.Resource.Resource, table)
			if err != nil {
				return err
			}
			r.say("%s", text)
		}
	}
	return nil
}

// getTable reads a list as the API server prints it.
func getTable(ctx context.Context, client *http.Client, url string) (*metav1.Table, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // nothing is written
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	table := &metav1.Table{}
	return table, json.NewDecoder(response.Body).Decode(table)
}

// tableText writes a table as kubectl does for several kinds at once.
func tableText(resource string, table *metav1.Table) (string, error) {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 3, ' ', 0)
	header := []string{"NAMESPACE"}
	for _, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			header = append(header, strings.ToUpper(column.Name))
		}
	}
	_, _ = fmt.Fprintln(w, strings.Join(header, "\t")) // a strings.Builder never fails
	for _, row := range table.Rows {
		var object metav1.PartialObjectMetadata
		if err := json.Unmarshal(row.Object.Raw, &object); err != nil {
			return "", fmt.Errorf("reading a row: %w", err)
		}
		cells := []string{object.Namespace}
		for i, cell := range row.Cells {
			switch {
			case table.ColumnDefinitions[i].Priority != 0:
				continue
			case cell == nil:
				cells = append(cells, "")
			case i == 0:
				cells = append(cells, fmt.Sprintf("%s/%v", resource, cell))
			default:
				cells = append(cells, fmt.Sprint(cell))
			}
		}
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush()
	return trimLines(out.String()), nil
}
