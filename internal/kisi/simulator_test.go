package kisi_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/kisi/openapi"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

const gym = `
organizations:
- name: Gym
  domain: gym
  owner: owner@example.com
  users:
  - {email: owner@example.com, name: Owner}
  - {email: jo@example.com, name: Jo}
  places: [{name: Hall, timeZone: Europe/Oslo}]
  locks: [{name: Front door, place: Hall}, {name: Sauna, place: Hall}]
  groups: [{name: Members, place: Hall, locks: [Front door]}]
  teams: [{name: Trainers, members: [jo@example.com]}]
  keys: [{user: owner@example.com, secret: owners-key, name: operator}]
`

func startGym(t *testing.T, options simulator.Options, adjust ...func(*kisi.Config)) (*simulator.Server, *kisi.Client) {
	t.Helper()
	server, err := simulator.New(options)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.LoadSeed([]byte(gym)); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	key, err := kisi.NewAPIKey([]byte("owners-key"))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	config := kisi.Config{Endpoint: server.URL(), Key: key, Transport: openapi.Checking(transport, func(err error) { t.Error(err) })}
	for _, change := range adjust {
		change(&config)
	}
	client, err := kisi.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func items[T any](t *testing.T) func(kisi.Listing[T], error) []T {
	return func(listing kisi.Listing[T], err error) []T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if !listing.Complete() {
			t.Fatalf("incomplete: %s", listing.Incomplete)
		}
		return listing.Items
	}
}

func pointer[T any](value T) *T { return &value }

func TestEveryCallAgainstTheSimulator(t *testing.T) {
	_, client := startGym(t, simulator.Options{RequestsPerSecond: -1})
	ctx := context.Background()
	check := func(what string, ok bool) {
		t.Helper()
		if !ok {
			t.Error(what)
		}
	}
	done := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}

	login := must[*kisi.Login](t)(client.CurrentLogin(ctx))
	organization := must[*kisi.Organization](t)(client.Organization(ctx))
	check("the key is the owner's", login.Type == "api" && login.User.Email == "owner@example.com" && *organization.OwnerID == login.UserID)
	check("it applies to groups", must[*kisi.Role](t)(client.Role(ctx, kisi.RoleGroupBasic)).AppliesTo == kisi.TypeGroup)

	place := items[kisi.Place](t)(client.ListPlaces(ctx, kisi.PlaceFilter{Query: "Hall"}))[0]
	check("a place by id", len(items[kisi.Place](t)(client.ListPlaces(ctx, kisi.PlaceFilter{IDs: []int64{place.ID}}))) == 1)
	locks := items[kisi.Lock](t)(client.ListLocks(ctx, kisi.LockFilter{PlaceID: place.ID}))
	check("two locks", len(locks) == 2)
	front := locks[slices.IndexFunc(locks, func(l kisi.Lock) bool { return l.Name == "Front door" })]
	sauna := locks[slices.IndexFunc(locks, func(l kisi.Lock) bool { return l.Name == "Sauna" })]
	check("a lock", must[*kisi.Lock](t)(client.Lock(ctx, front.ID)).Name == "Front door")

	members := items[kisi.Group](t)(client.ListGroups(ctx, kisi.GroupFilter{LockID: front.ID, PlaceID: place.ID}))
	check("one group", len(members) == 1 && members[0].Name == "Members")
	group := must[*kisi.Group](t)(client.CreateGroup(ctx, kisi.GroupCreate{Name: "Sauna guests", PlaceID: &place.ID, Description: "warm"}))
	done(client.UpdateGroup(ctx, group.ID, kisi.GroupUpdate{Description: pointer("hot")}))
	check("the new description", must[*kisi.Group](t)(client.Group(ctx, group.ID)).Description == "hot")
	groupLock := must[*kisi.GroupLock](t)(client.CreateGroupLock(ctx, group.ID, sauna.ID))
	check("its lock", len(items[kisi.GroupLock](t)(client.ListGroupLocks(ctx, group.ID))) == 1)

	user := must[*kisi.User](t)(client.CreateUser(ctx, kisi.UserCreate{Email: "kim@example.com", Name: "Kim", SendEmails: pointer(false), Confirm: pointer(true), Metadata: map[string]any{"uid": "u1"}}))
	_, err := client.CreateUser(ctx, kisi.UserCreate{Email: "kim@example.com"})
	check("a taken address", kisi.IsDuplicate(err))
	done(client.UpdateUser(ctx, user.ID, kisi.UserUpdate{Name: pointer("Kim B")}))
	found := must[*kisi.User](t)(client.User(ctx, user.ID))
	check("name and metadata", found.Name == "Kim B" && found.Metadata["uid"] == "u1")
	check("a user by address", len(items[kisi.User](t)(client.ListUsers(ctx, kisi.UserFilter{Email: "kim@example.com"}))) == 1)

	until := time.Now().Add(time.Hour).Truncate(time.Second)
	assignment := must[*kisi.RoleAssignment](t)(client.CreateRoleAssignment(ctx, kisi.RoleAssignmentCreate{
		AppliesToType: kisi.TypeGroup, AppliesToID: group.ID, AssigneeType: kisi.TypeUser, AssigneeID: user.ID,
		RoleID: kisi.RoleGroupBasic, ValidUntil: &until, Notify: pointer(false),
	}))
	check("the end as asked", assignment.ValidUntil.Equal(until) && *assignment.CreatedByID == login.UserID)
	later := until.Add(time.Hour)
	done(client.UpdateRoleAssignment(ctx, assignment.ID, kisi.RoleAssignmentUpdate{ValidUntil: &later}))
	_ = must[*kisi.RoleAssignment](t)(client.RoleAssignment(ctx, assignment.ID, kisi.RoleAssignmentFilter{}))
	check("the person's row", len(items[kisi.RoleAssignment](t)(client.ListRoleAssignments(ctx, kisi.RoleAssignmentFilter{AssigneeType: kisi.TypeUser, AssigneeID: user.ID}))) == 1)
	check("the group's row", len(items[kisi.RoleAssignment](t)(client.ListRoleAssignments(ctx, kisi.RoleAssignmentFilter{AppliesToType: kisi.TypeGroup, AppliesToID: group.ID, RoleID: kisi.RoleGroupBasic}))) == 1)

	device := must[*kisi.CreatedLogin](t)(client.CreateLogin(ctx, kisi.LoginCreate{Email: "kim@example.com", DeviceBrand: "operator"}))
	_, err = client.CreateLogin(ctx, kisi.LoginCreate{Email: "nobody@example.com"})
	check("nobody has that address", kisi.IsNotFound(err))
	check("Kim's logins", len(items[kisi.Login](t)(client.ListLogins(ctx, user.ID))) == 1)

	jo := items[kisi.TeamMembership](t)(client.ListTeamMemberships(ctx, kisi.TeamMembershipFilter{}))[0]
	check("one team member", len(items[kisi.TeamMembership](t)(client.ListTeamMemberships(ctx, kisi.TeamMembershipFilter{TeamID: jo.TeamID}))) == 1)

	set := must[*kisi.EventSet](t)(client.CreateEventSet(ctx, kisi.EventSetCreate{From: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour), Types: []string{"role_assignment.create"}}))
	for range 5 {
		if set.Status == kisi.EventSetInProgress {
			set = must[*kisi.EventSet](t)(client.EventSet(ctx, set.ID, "", 0))
		}
	}
	check("the grant is in the audit trail", set.Status == kisi.EventSetFinished &&
		slices.ContainsFunc(set.Events, func(e kisi.Event) bool { return e.ObjectID == assignment.ID }))
	check("Kisi's clock", !set.ServerTime.IsZero())

	webhook := must[*kisi.Integration](t)(client.CreateEventWebhook(ctx, kisi.EventWebhookCreate{Name: "operator", URL: "http://127.0.0.1:1/hook", Enabled: pointer(false), SignatureKey: kisi.NewSecret("signing")}))
	done(client.UpdateEventWebhook(ctx, webhook.ID, kisi.EventWebhookUpdate{Name: pointer("renamed")}))
	check("one webhook", items[kisi.Integration](t)(client.ListIntegrations(ctx))[0].Name == "renamed")
	done(client.DeleteIntegration(ctx, webhook.ID))

	done(client.DeleteRoleAssignment(ctx, assignment.ID))
	check("gone", kisi.IsNotFound(client.DeleteRoleAssignment(ctx, assignment.ID)))
	done(client.DeleteLogin(ctx, device.ID))
	done(client.DeleteGroupLock(ctx, groupLock.ID))
	done(client.DeleteGroup(ctx, group.ID))
	done(client.DeleteUser(ctx, user.ID))
	_, err = client.User(ctx, user.ID)
	check("the user is gone", kisi.IsNotFound(err))
}

func TestFaultsOfTheSimulatorAreSeen(t *testing.T) {
	for kind, want := range map[simulator.FaultKind]string{
		simulator.FaultShortPage:       "instead of",
		simulator.FaultEmptyPage:       "instead of",
		simulator.FaultRepeatedRow:     "came twice",
		simulator.FaultGarbage:         "is not a list",
		simulator.FaultStatus:          "error",
		simulator.FaultTooManyRequests: "error",
		simulator.FaultRevokedKey:      "error",
		simulator.FaultDropBefore:      "error",
	} {
		t.Run(string(kind), func(t *testing.T) {
			server, client := startGym(t, simulator.Options{RequestsPerSecond: -1}, func(c *kisi.Config) { c.Transport = nil })
			if _, err := server.AddFault(simulator.Fault{Kind: kind, Method: "GET", Path: "/locks", Status: 500}); err != nil {
				t.Fatal(err)
			}
			listing, err := client.ListLocks(context.Background(), kisi.LockFilter{})
			verdict := listing.Incomplete
			if err != nil {
				verdict = "error"
			}
			if listing.Complete() || !strings.Contains(verdict, want) {
				t.Errorf("verdict %q (%v), want %q", verdict, err, want)
			}
		})
	}
}

func TestACommittedWriteWhoseAnswerIsLostIsInDoubtAndNotRepeated(t *testing.T) {
	server, client := startGym(t, simulator.Options{RequestsPerSecond: -1})
	if _, err := client.Organization(context.Background()); err != nil { // a connection to reuse
		t.Fatal(err)
	}
	if _, err := server.AddFault(simulator.Fault{Kind: simulator.FaultDropAfter, Method: "POST", Path: "/users"}); err != nil {
		t.Fatal(err)
	}
	_, err := client.CreateUser(context.Background(), kisi.UserCreate{Email: "kim@example.com"})
	if !kisi.OutcomeUnknown(err) {
		t.Errorf("the outcome is taken for known: %v", err)
	}
	if n := server.CountRequests(simulator.RequestFilter{Method: "POST"}); n != 1 {
		t.Errorf("%d POSTs arrived", n)
	}
	if users := items[kisi.User](t)(client.ListUsers(context.Background(), kisi.UserFilter{Email: "kim@example.com"})); len(users) != 1 {
		t.Errorf("looking finds %d users", len(users))
	}
}

// At ten times Kisi's rate, so that it takes two seconds: whichever way the other side counts, the queue never makes it
// say 429, and uses nearly all that is allowed.
func TestTheQueueNeverTripsTheRateLimit(t *testing.T) {
	const rate, requests = 50, 100
	for _, algorithm := range []simulator.RateLimit{simulator.RateLimitTokenBucket, simulator.RateLimitFixedSecond} {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			queue := kisi.NewQueue(kisi.QueueOptions{})
			defer queue.Close()
			queue.SetRate("gym", rate)
			server, client := startGym(t, simulator.Options{RequestsPerSecond: rate, Switches: map[string]string{"rateLimit": string(algorithm)}},
				func(c *kisi.Config) { c.Queue = queue })
			var pending sync.WaitGroup
			started := time.Now()
			for i := range requests {
				pending.Add(1)
				queue.Submit(kisi.Task{Key: fmt.Sprint(i), Class: kisi.Class{Priority: kisi.Grant, Connection: "gym"}, Done: pending.Done, Run: func(ctx context.Context) {
					if _, err := client.Organization(ctx); err != nil {
						t.Error(err)
					}
				}})
			}
			pending.Wait()
			if n := server.CountRequests(simulator.RequestFilter{Status: http.StatusTooManyRequests}); n != 0 {
				t.Errorf("%d requests were refused", n)
			}
			took := time.Since(started)
			t.Logf("%d requests in %s: %.1f a second of %d allowed", requests, took, requests/took.Seconds(), rate)
		})
	}
}
