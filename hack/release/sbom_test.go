package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// checkProgramSBOM takes an SBOM to list each module of a program with its version, and no other.
func checkProgramSBOM(t *testing.T, content, program []byte) {
	t.Helper()
	bom := validSBOM(t, content)
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	if about := bom.Metadata.Component; about.Version != candidate || (*about.Hashes)[0].Value != sha256Of(program) {
		t.Errorf("the SBOM is about %s %s, another build", about.Name, about.Version)
	}
	listed := map[string]string{}
	for _, component := range *bom.Components {
		listed[component.Name] = component.Version
	}
	if want := strings.TrimPrefix(info.GoVersion, "go"); listed["std"] != want {
		t.Errorf("the SBOM lists the standard library of Go %q, not %q", listed["std"], want)
	}
	for _, module := range info.Deps {
		want := module.Version
		if strings.HasPrefix(module.Path, info.Main.Path+"/") {
			want = candidate
		}
		if listed[module.Path] != want {
			t.Errorf("the SBOM lists %s of version %q, not %q", module.Path, listed[module.Path], want)
		}
	}
	if len(*bom.Components) != len(info.Deps)+1 {
		t.Errorf("the SBOM lists %d components for %d modules", len(*bom.Components), len(info.Deps))
	}
}

// validSBOM returns an SBOM that is as CycloneDX's schema says.
func validSBOM(t *testing.T, content []byte) cdx.BOM {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema(t)
	if err != nil {
		t.Fatalf("reading CycloneDX's schema: %v", err)
	}
	if err := s.Validate(document); err != nil {
		t.Errorf("the SBOM is not valid: %v", err)
	}
	var bom cdx.BOM
	if err := json.Unmarshal(content, &bom); err != nil {
		t.Fatal(err)
	}
	return bom
}

func schema(t *testing.T) (*jsonschema.Schema, error) {
	t.Helper()
	directory := strings.TrimSpace(command(t, ".", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go"))
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	const at = "http://cyclonedx.org/schema/"
	for name, file := range map[string]string{
		"bom-1.6.schema.json":  "bom-1.6.schema.json",
		"spdx.schema.json":     "spdx.schema.json",
		"jsf-0.82.schema.json": "jsf-0.82.schemax.json", // so it is called there
	} {
		content, err := os.ReadFile(filepath.Join(directory, "schema", file))
		if err != nil {
			return nil, err
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		if err != nil {
			return nil, err
		}
		if err := compiler.AddResource(at+name, document); err != nil {
			return nil, err
		}
	}
	return compiler.Compile(at + "bom-1.6.schema.json")
}
