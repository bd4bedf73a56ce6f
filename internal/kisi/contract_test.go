package kisi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/kisi/openapi"
)

// calls makes every call of the client once, with every field of its arguments set. It returns what was read.
var calls = map[string]func(ctx context.Context, c *kisi.Client) (any, error){
	"CurrentLogin":     func(ctx context.Context, c *kisi.Client) (any, error) { return c.CurrentLogin(ctx) },
	"Organization":     func(ctx context.Context, c *kisi.Client) (any, error) { return c.Organization(ctx) },
	"OnlyOrganization": func(ctx context.Context, c *kisi.Client) (any, error) { return c.OnlyOrganization(ctx) },
	"Role":             func(ctx context.Context, c *kisi.Client) (any, error) { return c.Role(ctx, "group_basic") },
	"ListPlaces": func(ctx context.Context, c *kisi.Client) (any, error) {
		return whole(c.ListPlaces(ctx, set[kisi.PlaceFilter]()))
	},
	"ListLocks": func(ctx context.Context, c *kisi.Client) (any, error) {
		return whole(c.ListLocks(ctx, set[kisi.LockFilter]()))
	},
	"Lock": func(ctx context.Context, c *kisi.Client) (any, error) { return c.Lock(ctx, 7) },

	"ListGroups": func(ctx context.Context, c *kisi.Client) (any, error) {
		return whole(c.ListGroups(ctx, set[kisi.GroupFilter]()))
	},
	"Group": func(ctx context.Context, c *kisi.Client) (any, error) { return c.Group(ctx, 7) },
	"CreateGroup": func(ctx context.Context, c *kisi.Client) (any, error) {
		return c.CreateGroup(ctx, set[kisi.GroupCreate]())
	},
	"UpdateGroup": func(ctx context.Context, c *kisi.Client) (any, error) {
		return nil, c.UpdateGroup(ctx, 7, set[kisi.GroupUpdate]())
	},
	"DeleteGroup":     func(ctx context.Context, c *kisi.Client) (any, error) { return nil, c.DeleteGroup(ctx, 7) },
	"ListGroupLocks":  func(ctx context.Context, c *kisi.Client) (any, error) { return whole(c.ListGroupLocks(ctx, 7)) },
	"CreateGroupLock": func(ctx context.Context, c *kisi.Client) (any, error) { return c.CreateGroupLock(ctx, 7, 8) },
	"DeleteGroupLock": func(ctx context.Context, c *kisi.Client) (any, error) { return nil, c.DeleteGroupLock(ctx, 7) },

	"ListUsers": func(ctx context.Context, c *kisi.Client) (any, error) {
		return whole(c.ListUsers(ctx, set[kisi.UserFilter]()))
	},
	"User": func(ctx context.Context, c *kisi.Client) (any, error) { return c.User(ctx, 7) },
	"CreateUser": func(ctx context.Context, c *kisi.Client) (any, error) {
		return c.CreateUser(ctx, set[kisi.UserCreate]())
	},
	"UpdateUser": func(ctx context.Context, c *kisi.Client) (any, error) {
		return nil, c.UpdateUser(ctx, 7, set[kisi.UserUpdate]())
	},
	"DeleteUser": func(ctx context.Context, c *kisi.Client) (any, error) { return nil, c.DeleteUser(ctx, 8) },
	"ListLogins": func(ctx context.Context, c *kisi.Client) (any, error) { return whole(c.ListLogins(ctx, 7)) },
	"CreateLogin": func(ctx context.Context, c *kisi.Client) (any, error) {
		return c.CreateLogin(ctx, set[kisi.LoginCreate]())
	},
	"DeleteLogin": func(ctx context.Context, c *kisi.Client) (any, error) { return nil, c.DeleteLogin(ctx, 8) },
	"ListTeamMemberships": func(ctx context.Context, c *kisi.Client) (any, error) {
		return whole(c.ListTeamMemberships(ctx, set[kisi.TeamMembershipFilter]()))
	},

	"ListRoleAssignments": func(ctx context.Context, c *kisi.Client) (any, error) {
		return whole(c.ListRoleAssignments(ctx, set[kisi.RoleAssignmentFilter]()))
	},
	"RoleAssignment": func(ctx context.Context, c *kisi.Client) (any, error) {
		return c.RoleAssignment(ctx, 7, kisi.RoleAssignmentFilter{AssigneeType: kisi.TypeUser, AssigneeID: 7})
	},
	"CreateRoleAssignment": func(ctx context.Context, c *kisi.Client) (any, error) {
		return c.CreateRoleAssignment(ctx, set[kisi.RoleAssignmentCreate]())
	},
	"UpdateRoleAssignment": func(ctx context.Context, c *kisi.Client) (any, error) {
		return nil, c.UpdateRoleAssignment(ctx, 7, set[kisi.RoleAssignmentUpdate]())
	},
	"DeleteRoleAssignment": func(ctx context.Context, c *kisi.Client) (any, error) { return nil, c.DeleteRoleAssignment(ctx, 7) },

	"CreateEventSet": func(ctx context.Context, c *kisi.Client) (any, error) {
		return c.CreateEventSet(ctx, set[kisi.EventSetCreate]())
	},
	"GroupLock":        func(ctx context.Context, c *kisi.Client) (any, error) { return c.GroupLock(ctx, 7) },
	"EventSet":         func(ctx context.Context, c *kisi.Client) (any, error) { return c.EventSet(ctx, 7, "next", 250) },
	"ListIntegrations": func(ctx context.Context, c *kisi.Client) (any, error) { return whole(c.ListIntegrations(ctx)) },
	"CreateEventWebhook": func(ctx context.Context, c *kisi.Client) (any, error) {
		return c.CreateEventWebhook(ctx, set[kisi.EventWebhookCreate]())
	},
	"UpdateEventWebhook": func(ctx context.Context, c *kisi.Client) (any, error) {
		return nil, c.UpdateEventWebhook(ctx, 7, set[kisi.EventWebhookUpdate]())
	},
	"DeleteIntegration": func(ctx context.Context, c *kisi.Client) (any, error) { return nil, c.DeleteIntegration(ctx, 7) },
}

// notCalls are the methods that send nothing.
var notCalls = []string{"ServerTime", "OnQueue", "Close", "Confirm", "KnownLogin"}

func whole[T any](listing kisi.Listing[T], err error) (any, error) {
	if err == nil && !listing.Complete() {
		err = fmt.Errorf("incomplete: %s", listing.Incomplete)
	}
	return listing.Items, err
}

func TestEveryCallOfTheClientIsInTheTable(t *testing.T) {
	client := reflect.TypeFor[*kisi.Client]()
	for i := range client.NumMethod() {
		name := client.Method(i).Name
		if calls[name] == nil && !slices.Contains(notCalls, name) {
			t.Errorf("%s is not checked against Kisi's API document", name)
		}
		for _, forbidden := range []string{"DeleteCurrentLogin", "DeleteCurrentUser", "DeleteLoginElsewhere"} {
			if name == forbidden {
				t.Errorf("the client can destroy its own key: %s", name)
			}
		}
	}
}

// Each call is made with every field of its arguments set, so a misspelt field of a request is seen by the closed request
// schema. Each is answered with every documented field set, so a misspelt field of a response type stays empty.
func TestTheClientSpeaksAsKisiDocuments(t *testing.T) {
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answerFromDocument(t))
			defer server.Close()
			requests := 0
			key, err := kisi.NewAPIKey([]byte("s3cret"))
			if err != nil {
				t.Fatal(err)
			}
			client, err := kisi.NewClient(kisi.Config{
				Endpoint:  server.URL,
				Key:       key,
				Transport: openapi.Checking(http.DefaultTransport, func(err error) { t.Error(err) }),
				OnRequest: func(kisi.RequestStats) { requests++ },
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.CurrentLogin(context.Background()); err != nil { // what destroys asks for it
				t.Fatal(err)
			}
			requests = 0
			got, err := call(context.Background(), client)
			if err != nil {
				t.Fatal(err)
			}
			if requests != 1 {
				t.Errorf("%d requests were sent", requests)
			}
			if got != nil {
				checkAllSet(t, name, reflect.ValueOf(got))
			}
		})
	}
}

// answerFromDocument answers each request with the success that the document describes, all its fields set.
func answerFromDocument(t *testing.T) http.HandlerFunc {
	document, err := openapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		operation := operationOf(document, r)
		if operation == nil {
			t.Errorf("%s %s is not in the document", r.Method, r.URL.Path)
			w.WriteHeader(http.StatusNotFound)
			return
		}
		success := operation.Responses.Status(http.StatusOK)
		if success == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if success.Value.Headers["X-Collection-Range"] != nil {
			w.Header().Set("X-Collection-Range", "0-249/1")
		}
		w.Header().Set("Content-Type", "application/json")
		answer := sample(success.Value.Content.Get("application/json").Schema.Value)
		asWasAskedFor(answer, r)
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// asWasAskedFor gives what is answered the values that the request names, in its filters, its path or its body.
func asWasAskedFor(answer any, r *http.Request) {
	if list, isList := answer.([]any); isList {
		answer = list[0]
	}
	object, isObject := answer.(map[string]any)
	if !isObject {
		return
	}
	asked := map[string]any{}
	for name := range r.URL.Query() {
		asked[name] = r.URL.Query().Get(name)
	}
	asked["id"] = r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	var body map[string]map[string]any
	if json.NewDecoder(r.Body).Decode(&body) == nil {
		for _, fields := range body {
			maps.Copy(asked, fields)
		}
	}
	for name, value := range asked {
		switch object[name].(type) {
		case string:
			object[name] = value
		case int:
			if number, err := strconv.Atoi(fmt.Sprint(value)); err == nil {
				object[name] = number
			}
		}
	}
}

func operationOf(document *openapi3.T, r *http.Request) *openapi3.Operation {
	got := strings.Split(r.URL.Path, "/")
	for path, item := range document.Paths.Map() {
		want := strings.Split(path, "/")
		if len(want) != len(got) {
			continue
		}
		matches := true
		for i := range want {
			matches = matches && (want[i] == got[i] || strings.HasPrefix(want[i], "{"))
		}
		if operation := item.GetOperation(r.Method); matches && operation != nil {
			return operation
		}
	}
	return nil
}

// sample makes a value of a schema in which nothing is empty or null if it can be otherwise.
func sample(schema *openapi3.Schema) any {
	switch {
	case schema.Const != nil:
		return schema.Const
	case len(schema.Enum) > 0:
		return schema.Enum[slices.IndexFunc(schema.Enum, func(v any) bool { return v != nil })]
	case len(schema.OneOf) > 0: // the richest, which for role assignments is that of a group
		return sample(slices.MaxFunc(schema.OneOf, func(a, b *openapi3.SchemaRef) int {
			return len(a.Value.Properties) - len(b.Value.Properties)
		}).Value)
	case schema.Type.Includes("array"):
		return []any{sample(schema.Items.Value)}
	case schema.Type.Includes("object"):
		object := map[string]any{}
		for name, property := range schema.Properties {
			object[name] = sample(property.Value)
		}
		if len(object) == 0 {
			object["any"] = "thing"
		}
		return object
	case schema.Type.Includes("integer"), schema.Type.Includes("number"):
		return 7
	case schema.Type.Includes("boolean"):
		return true
	case schema.Type.Includes("string"):
		switch schema.Format {
		case "date-time":
			return "2026-01-02T03:04:05Z"
		case "email":
			return "a@example.com"
		case "uuid":
			return "d7cf0237-a492-4e5d-b20c-f58fc3ef4eff"
		case "uri":
			return "https://example.com/"
		}
		return "text"
	}
	return nil
}

// checkAllSet fails for every exported field that is empty. Fields marked omitempty are not in every answer.
func checkAllSet(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			t.Errorf("%s is nil", path)
			return
		}
		checkAllSet(t, path, v.Elem())
	case reflect.Slice:
		if v.Len() == 0 {
			t.Errorf("%s is empty", path)
		}
		for i := range v.Len() {
			checkAllSet(t, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeFor[kisi.Secret]() {
			if v.IsZero() {
				t.Errorf("%s is empty", path)
			}
			return
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if tag := field.Tag.Get("json"); tag == "-" || strings.HasSuffix(tag, ",omitempty") {
				continue
			}
			checkAllSet(t, path+"."+field.Name, v.Field(i))
		}
	default:
		if v.IsZero() {
			t.Errorf("%s is empty", path)
		}
	}
}

// set makes an argument with every field set to something Kisi would take.
func set[T any]() T {
	var value T
	fill(reflect.ValueOf(&value).Elem(), "")
	return value
}

func fill(v reflect.Value, field string) {
	switch v.Interface().(type) {
	case kisi.Secret:
		v.Set(reflect.ValueOf(kisi.NewSecret("signing")))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), v.Type().Field(i).Name)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), field)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), field)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]any{"any": "thing"}))
	case reflect.Int64:
		v.SetInt(7)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		texts := map[string]string{
			"Email": "a@example.com", "URL": "https://example.com/hook",
			"AppliesToType": kisi.TypeGroup, "AssigneeType": kisi.TypeUser, "MemberType": kisi.TypeUser,
		}
		if texts[field] == "" {
			texts[field] = "text"
		}
		v.SetString(texts[field])
	default:
		panic(fmt.Sprintf("no value for a field %s of kind %s", field, v.Kind()))
	}
}
