package simulation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// recordSystem has the operator work on the samples of a system, and records what becomes of them.
func recordSystem(t *testing.T, system string, at time.Time) {
	w := emptyWorld(t, at)
	organization := system
	if system == "quickstart" {
		organization = "organization"
	}
	seed, err := os.ReadFile(filepath.Join("../../hack/demo", organization+".yaml"))
	if err == nil {
		err = w.kisi.LoadSeed(seed)
	}
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join("../../config/samples", system, "*.yaml"))
	var order []string
	for _, file := range files {
		for _, object := range documents(t, file) {
			if err := w.client.Create(w.ctx, object); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			order = append(order, named(object))
		}
	}
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(30 * time.Minute)
	var text bytes.Buffer
	for _, object := range w.storedObjects(t, order) {
		content, err := yaml.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString("---\n")
		text.Write(content)
	}
	is := recordedWorld{At: now(), Kisi: w.dump(t, seed)}
	time.Sleep(lasting)
	is.Access = w.access(t, is.At)
	w.stop(t)
	content, err := yaml.Marshal(is)
	folder := filepath.Join(releases, *recordRelease, system)
	err = errors.Join(err, os.MkdirAll(folder, 0o750), os.WriteFile(filepath.Join(folder, "objects.yaml"), bytes.TrimPrefix(text.Bytes(), []byte("---\n")), 0o600),
		os.WriteFile(filepath.Join(folder, "world.yaml"), content, 0o600))
	if err != nil {
		t.Fatal(err)
	}
}

// dump is a seed with what Kisi holds: that from which it began, with users, groups and assignments as they are.
func (w *world) dump(t *testing.T, began []byte) simulator.Seed {
	t.Helper()
	var seed simulator.Seed
	if err := yaml.UnmarshalStrict(began, &seed); err != nil {
		t.Fatal(err)
	}
	for _, is := range w.kisi.State().Organizations {
		at := slices.IndexFunc(seed.Organizations, func(o simulator.SeedOrganization) bool { return o.Domain == is.Domain })
		organization := &seed.Organizations[at]
		organization.ID = is.ID
		organization.Users, organization.RoleAssignments = nil, nil
		for _, u := range is.Users {
			organization.Users = append(organization.Users, simulator.SeedUser{
				ID: u.ID, Email: u.Email, Name: u.Name, AccessEnabled: &u.AccessEnabled, SendEmails: &u.SendEmails, Notes: u.Notes, Metadata: u.Metadata,
			})
		}
		var places []struct {
			ID   int    `json:"id"`
			Name string `json:"name"`
		}
		w.ask(t, is, "/places", &places)
		for i := range organization.Places {
			for _, p := range places {
				if p.Name == organization.Places[i].Name {
					organization.Places[i].ID = p.ID
				}
			}
		}
		for i := range organization.Locks {
			for _, l := range is.Locks {
				if l.Name == organization.Locks[i].Name && l.Place == organization.Locks[i].Place {
					organization.Locks[i].ID = l.ID
				}
			}
		}
		groupOf := map[int]string{} // an assignment's, by a name that is its alone
		for _, g := range is.Groups {
			unique := strings.TrimPrefix(g.Place+"/"+g.Name, "/")
			if in, err := w.kisi.AssignmentsIn(is.Domain, unique); err == nil {
				for _, a := range in {
					groupOf[a.ID] = unique
				}
			}
			at := slices.IndexFunc(organization.Groups, func(s simulator.SeedGroup) bool { return s.Name == g.Name && s.Place == g.Place })
			if at < 0 {
				at = len(organization.Groups)
				organization.Groups = append(organization.Groups, simulator.SeedGroup{Name: g.Name, Place: g.Place})
			}
			group := &organization.Groups[at]
			group.ID, group.Locks = g.ID, g.Locks
			if g.Description != "" {
				group.Description = &g.Description
			}
			var has struct {
				Geofence bool `json:"geofence_restriction_enabled"`
				Reader   bool `json:"reader_restriction_enabled"`
				Primary  bool `json:"primary_device_restriction_enabled"`
				Managed  bool `json:"managed_device_restriction_enabled"`
				Tap      bool `json:"tap_to_access_restriction_enabled"`
				Login    bool `json:"login_enabled"`
			}
			w.ask(t, is, fmt.Sprintf("/groups/%d", g.ID), &has)
			group.LoginEnabled = &has.Login
			group.Restrictions.Geofence, group.Restrictions.Reader = has.Geofence, has.Reader
			group.Restrictions.PrimaryDevice, group.Restrictions.ManagedDevice, group.Restrictions.TapToAccess = has.Primary, has.Managed, has.Tap
		}
		for _, a := range is.Assignments {
			assignment := simulator.SeedAssignment{ID: a.ID, User: a.User, Team: a.Team, Guest: a.Guest, Role: a.Role, ValidFrom: a.ValidFrom, ValidUntil: a.ValidUntil, CreatedBy: a.CreatedBy}
			switch a.AppliesTo {
			case "Group":
				assignment.Group = groupOf[a.ID]
			case "Place":
				assignment.Place = a.Name
			}
			organization.RoleAssignments = append(organization.RoleAssignments, assignment)
		}
	}
	return seed
}

// ask asks Kisi as the organization's owner.
func (w *world) ask(t *testing.T, organization simulator.OrganizationState, path string, answer any) {
	t.Helper()
	status, body, err := w.kisi.CallAs(organization.Domain, organization.Owner, http.MethodGet, path, nil)
	if err == nil && status == http.StatusOK {
		err = json.Unmarshal(body, answer)
	}
	if err != nil || status != http.StatusOK {
		t.Fatalf("GET %s: %d, %v", path, status, err)
	}
}

// storedObjects are those of this project and the Secrets: as they were made, then those that the operator made, by name.
func (w *world) storedObjects(t *testing.T, order []string) []*unstructured.Unstructured {
	t.Helper()
	kinds := []string{"KisiConnection", "KisiGroup", "PlaceMapping", "AccessPlan", "AccessSubscription", "BookingGrant", "Member"}
	var all []*unstructured.Unstructured
	for _, kind := range append([]string{"Secret"}, kinds...) {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind + "List"))
		if kind == "Secret" {
			list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
		}
		if err := w.client.List(w.ctx, list, client.InNamespace(namespace)); err != nil {
			t.Fatal(err)
		}
		for i := range list.Items {
			object := &list.Items[i]
			metadata, _ := object.Object["metadata"].(map[string]any)
			for _, field := range []string{"managedFields", "resourceVersion", "creationTimestamp", "generation", "namespace"} {
				delete(metadata, field)
			}
			all = append(all, object)
		}
	}
	place := func(o *unstructured.Unstructured) int {
		if at := slices.Index(order, named(o)); at >= 0 {
			return at
		}
		return len(order)
	}
	slices.SortStableFunc(all, func(a, b *unstructured.Unstructured) int { return place(a) - place(b) })
	return all
}

// access lists who can open which door, from a time until now.
func (w *world) access(t *testing.T, from time.Time) []string {
	t.Helper()
	var all []string
	for _, organization := range w.kisi.State().Organizations {
		for _, user := range organization.Users {
			for _, lock := range organization.Locks {
				intervals, err := w.kisi.AccessIntervals(organization.Domain, user.Email, lock.Name, from.Add(time.Hour), from.Add(lasting))
				if err != nil {
					t.Fatal(err)
				}
				for _, is := range intervals {
					all = append(all, fmt.Sprintf("%s %s: %s from %s until %s", organization.Domain, user.Email, lock.Name, is.From.UTC().Format(time.RFC3339), is.Until.UTC().Format(time.RFC3339)))
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
