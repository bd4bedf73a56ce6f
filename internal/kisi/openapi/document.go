// Package openapi checks HTTP traffic against Kisi's API document. It is for tests: of the client, of the simulator, and
// of the operator between them.
package openapi

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

//go:embed openapi.json
var published []byte

// object is a node of the document before it is parsed into kin-openapi's types. The changes that tighten and widen it
// are made here, because a schema that is validated by JSON Schema 2020-12 is compiled from its serialized form.
type object map[string]any

// at follows keys; it returns nil where one is missing.
func (o object) at(keys ...string) object {
	node := o
	for _, key := range keys {
		switch next := node[key].(type) {
		case object:
			node = next
		case map[string]any:
			node = next
		default:
			return nil
		}
	}
	return node
}

func (o object) list(key string) []any {
	list, _ := o[key].([]any)
	return list
}

// add sets a key that is absent and reports whether it did.
func (o object) add(key string, value any) bool {
	if _, exists := o[key]; exists {
		return false
	}
	o[key] = value
	return true
}

func (o object) eachOperation(visit func(method string, operation object)) {
	methods := map[string]string{
		"get": http.MethodGet, "post": http.MethodPost, "put": http.MethodPut, "patch": http.MethodPatch, "delete": http.MethodDelete,
	}
	paths := o.at("paths")
	for path := range paths {
		for key, method := range methods {
			if operation := paths.at(path, key); operation != nil {
				visit(method, operation)
			}
		}
	}
}

// closeRequestBodies lets request bodies have documented fields only.
func closeRequestBodies(document object) {
	document.eachOperation(func(_ string, operation object) {
		schema := operation.at("requestBody", "content", "application/json", "schema")
		if schema != nil {
			closeSchema(document, schema)
		}
	})
}

func closeSchema(document, schema object) {
	if ref, ok := schema["$ref"].(string); ok {
		const prefix = "#/components/schemas/"
		if len(ref) > len(prefix) {
			closeSchema(document, document.at("components", "schemas", ref[len(prefix):]))
		}
		return
	}
	properties := schema.at("properties")
	if properties == nil {
		return // a free map such as metadata
	}
	schema.add("additionalProperties", false)
	for name := range properties {
		if property := properties.at(name); property != nil {
			closeSchema(document, property)
			if items := property.at("items"); items != nil {
				closeSchema(document, items)
			}
		}
	}
}

// typeNullableEnums gives a type to the enums that list null beside names. The published document leaves it out, which
// allows null; the library refuses null wherever no type says so.
func typeNullableEnums(node any) {
	switch node := node.(type) {
	case map[string]any:
		if values, isEnum := node["enum"].([]any); isEnum && slices.Contains(values, nil) {
			if _, typed := node["type"]; !typed {
				node["type"] = []any{"string", "null"}
			}
		}
		for _, child := range node {
			typeNullableEnums(child)
		}
	case []any:
		for _, child := range node {
			typeNullableEnums(child)
		}
	}
}

type loaded struct {
	document *openapi3.T
	router   routers.Router
}

var load = sync.OnceValues(func() (loaded, error) {
	var raw object
	if err := json.Unmarshal(published, &raw); err != nil {
		return loaded{}, fmt.Errorf("reading Kisi's API document: %w", err)
	}
	for _, deviation := range Deviations() {
		deviation.apply(raw)
	}
	closeRequestBodies(raw)
	typeNullableEnums(map[string]any(raw))
	delete(raw, "servers") // the traffic under test goes to loopback addresses
	data, err := json.Marshal(raw)
	if err != nil {
		return loaded{}, fmt.Errorf("serializing Kisi's API document: %w", err)
	}
	document, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return loaded{}, fmt.Errorf("loading Kisi's API document: %w", err)
	}
	if err := document.Validate(context.Background(), openapi3.DisableExamplesValidation(), openapi3.AllowExtraSiblingFields("deprecated")); err != nil {
		return loaded{}, fmt.Errorf("validating Kisi's API document: %w", err)
	}
	router, err := legacy.NewRouter(document, openapi3.DisableExamplesValidation(), openapi3.AllowExtraSiblingFields("deprecated"))
	if err != nil {
		return loaded{}, fmt.Errorf("routing by Kisi's API document: %w", err)
	}
	return loaded{document: document, router: router}, nil
})

// Document returns the document as the checks use it.
func Document() (*openapi3.T, error) {
	l, err := load()
	return l.document, err
}
