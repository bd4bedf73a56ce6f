package openapi

import "net/http"

// Deviation is a place where the checks are wider than the published document.
type Deviation struct {
	What string
	Why  string

	// apply changes the document; it reports whether that changed anything.
	apply func(document object) bool
}

// Deviations lists every place where the checks are wider than the published document.
func Deviations() []Deviation {
	return []Deviation{
		{
			What: "POST /logins without the object user",
			Why: "The schema requires it, with nothing inside. Kisi's guide for logins on behalf of a user leaves it out when an " +
				"administrator's key is used, and so do integrations in production.",
			apply: func(d object) bool {
				schema := d.at("components", "schemas", "LoginCreate")
				before := len(schema.list("required"))
				schema["required"] = []any{"login"}
				return before != 1
			},
		},
		{
			What: "PATCH /role_assignments/{id} with valid_from and valid_until",
			Why: "Not listed, but Kisi's own web interface edits windows and the event role_assignment.update exists. The " +
				"caller reads the row back and believes only that.",
			apply: func(d object) bool {
				fields := d.at("components", "schemas", "RoleAssignmentUpdate", "properties", "role_assignment", "properties")
				timestamp := object{"type": []any{"string", "null"}, "format": "date-time"}
				return fields.add("valid_from", timestamp) && fields.add("valid_until", timestamp)
			},
		},
		{
			What: "PATCH and DELETE /integrations/{id}",
			Why:  "The transcription ends before them. The events integration.update and integration.destroy exist.",
			apply: func(d object) bool {
				id := object{"name": "id", "in": "path", "required": true, "schema": object{"type": "integer"}}
				update := object{
					"type": "object", "required": []any{"integration"},
					"properties": object{"integration": object{"type": "object", "properties": object{
						"name": object{"type": "string"}, "url": object{"type": "string", "format": "uri"},
						"enabled":        object{"type": "boolean"},
						"enabled_events": object{"type": "array", "items": object{"type": "string"}},
						"signature_key":  object{"type": "string"},
					}}},
				}
				return d.at("paths").add("/integrations/{id}", object{
					"parameters": []any{id},
					"patch": object{
						"operationId": "updateIntegration", "security": []any{object{"Kisi-Login": []any{}}},
						"requestBody": object{"content": object{"application/json": object{"schema": update}}},
						"responses":   object{"204": noContent(), "401": errorResponse(), "404": errorResponse(), "422": fieldErrorsResponse()},
					},
					"delete": object{
						"operationId": "deleteIntegration", "security": []any{object{"Kisi-Login": []any{}}},
						"responses": object{"204": noContent(), "401": errorResponse(), "404": errorResponse()},
					},
				})
			},
		},
		{
			What: "409 from POST /users and POST /role_assignments",
			Why:  "Seen in production for a taken address and for a duplicate assignment.",
			apply: func(d object) bool {
				users := d.at("paths", "/users", "post", "responses").add("409", errorResponse())
				assignments := d.at("paths", "/role_assignments", "post", "responses").add("409", errorResponse())
				return users && assignments
			},
		},
		{
			What: "422 from POST and PATCH of any resource",
			Why:  "Kisi's common answer to a field it does not like; the document lists it for most writes only.",
			apply: func(d object) bool {
				changed := false
				d.eachOperation(func(method string, operation object) {
					if method == http.MethodPost || method == http.MethodPatch {
						changed = operation.at("responses").add("422", fieldErrorsResponse()) || changed
					}
				})
				return changed
			},
		},
		{
			What: "403, 429, 500, 502, 503 and 504 from any call",
			Why: "The document lists 403 for few reads, but the key of a demoted administrator is refused everywhere. 429 is " +
				"described in its introduction, not per call. A server or the proxy before it can always fail.",
			apply: func(d object) bool {
				changed := false
				d.eachOperation(func(_ string, operation object) {
					for _, status := range []string{"403", "429", "500", "502", "503", "504"} {
						changed = operation.at("responses").add(status, errorResponse()) || changed
					}
				})
				return changed
			},
		},
		{
			What: "X-Collection-Range: */0 for an empty list",
			Why:  "Outside the published pattern, but Kisi's own JavaScript client reads it.",
			apply: func(d object) bool {
				changed := false
				d.eachOperation(func(_ string, operation object) {
					header := operation.at("responses", "200", "headers", "X-Collection-Range", "schema")
					if header != nil {
						header["pattern"] = `^((?<start>\d+)-(?<end>\d+)|\*)/(?<total>\d+)$`
						changed = true
					}
				})
				return changed
			},
		},
	}
}

func noContent() object { return object{"description": "No Content"} }

func errorResponse() object { return responseOf("Error") }

func fieldErrorsResponse() object { return responseOf("Errors") }

func responseOf(schema string) object {
	return object{"description": schema, "content": object{
		"application/json": object{"schema": object{"$ref": "#/components/schemas/" + schema}},
	}}
}
