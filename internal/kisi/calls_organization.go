package kisi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// CurrentLogin reads the login that the key is (GET /login): whose it is, its type and name. The client remembers it,
// to refuse to delete it.
func (c *Client) CurrentLogin(ctx context.Context) (*Login, error) {
	login := &Login{}
	_, err := c.call(ctx, request{op: "read current login", method: http.MethodGet, path: "/login"}, login)
	if err != nil {
		return nil, err
	}
	c.own.Store(login)
	return login, nil
}

// KnownLogin is what CurrentLogin has returned before; nil if it has not yet. Whose key it is never changes.
func (c *Client) KnownLogin() *Login { return c.own.Load() }

// Organization reads the organization that the key belongs to (GET /organization).
func (c *Client) Organization(ctx context.Context) (*Organization, error) {
	organization := &Organization{}
	_, err := c.call(ctx, request{op: "read organization", method: http.MethodGet, path: "/organization"}, organization)
	if err != nil {
		return nil, err
	}
	return organization, nil
}

// OnlyOrganization reads the organization that the key belongs to from the list of those it may see (GET /organizations,
// which has no pages). It is an error if that is not exactly one.
func (c *Client) OnlyOrganization(ctx context.Context) (*Organization, error) {
	var organizations fewItems
	call := request{op: "list organizations", method: http.MethodGet, path: "/organizations"}
	if _, err := c.call(ctx, call, &organizations); err != nil {
		return nil, err
	}
	if len(organizations) != 1 {
		return nil, call.refused(fmt.Errorf("the key's organization is not known from a list of %d", len(organizations)))
	}
	only := &Organization{}
	if err := json.Unmarshal(organizations[0], only); err != nil || !only.hasID() {
		return nil, call.refused(errors.New("the only organization of the list cannot be read"))
	}
	return only, nil
}

// Role reads one role (GET /roles/{id}).
func (c *Client) Role(ctx context.Context, id string) (*Role, error) {
	role := &Role{}
	call := request{op: "read role", method: http.MethodGet, path: pathOf("roles", id), strays: func() string { return other("id", role.ID, id) }}
	_, err := c.call(ctx, call, role)
	if err != nil {
		return nil, err
	}
	return role, nil
}

// PlaceFilter narrows ListPlaces. Kisi has no call that reads one place: use IDs.
type PlaceFilter struct {
	IDs   []int64
	Query string // free text over the name, not equality
}

// ListPlaces reads places (GET /places).
func (c *Client) ListPlaces(ctx context.Context, filter PlaceFilter) (Listing[Place], error) {
	query := newQuery().ids(filter.IDs).text("query", filter.Query)
	return listAll(ctx, c, "list places", "/places", query, 250, func(p *Place) int64 { return p.ID }, nil)
}

// LockFilter narrows ListLocks.
type LockFilter struct {
	IDs     []int64
	Query   string // free text over the name, not equality
	PlaceID int64
}

// ListLocks reads locks (GET /locks). A key sees only the locks its owner may see.
func (c *Client) ListLocks(ctx context.Context, filter LockFilter) (Listing[Lock], error) {
	query := newQuery().ids(filter.IDs).text("query", filter.Query).number("place_id", filter.PlaceID)
	return listAll(ctx, c, "list locks", "/locks", query, 250, func(l *Lock) int64 { return l.ID },
		func(l *Lock) string { return other("place", l.PlaceID, filter.PlaceID) })
}

// Lock reads one lock (GET /locks/{id}).
func (c *Client) Lock(ctx context.Context, id int64) (*Lock, error) {
	lock := &Lock{}
	_, err := c.call(ctx, reading("read lock", "locks", id), lock)
	if err != nil {
		return nil, err
	}
	return lock, nil
}
