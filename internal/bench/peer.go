package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// peer is a plain sync loop as integrations with Kisi usually are written: for each person it searches the user, makes it if
// it is missing, lists the user's role assignments, makes those that are missing and removes those that are too many; a whole
// pass each time, as fast as the rate allows. It reads all pages and repeats what is answered 429 or 5xx. It stores nothing.
type peer struct {
	kisi   *kisi
	wanted []wish
	groups map[string]int // ids by name
	every  time.Duration  // between two requests; 0: none
	last   time.Time
}

// wish is what a person should have.
type wish struct {
	email string
	group string // empty: nothing
	until time.Time
}

// newPeer makes a loop that sends so many requests a second; 0: any number.
func newPeer(k *kisi, perSecond float64) *peer {
	p := &peer{kisi: k, groups: map[string]int{}}
	if perSecond > 0 {
		p.every = time.Duration(float64(time.Second) / perSecond)
	}
	return p
}

// pass goes once through all people.
func (p *peer) pass(ctx context.Context) error {
	if err := p.findGroups(ctx); err != nil {
		return err
	}
	for _, wanted := range p.wanted {
		if err := p.sync(ctx, wanted); err != nil {
			return err
		}
	}
	return nil
}

// always goes through all people again and again until ctx is done.
func (p *peer) always(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := p.pass(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func (p *peer) findGroups(ctx context.Context) error {
	if len(p.groups) > 0 {
		return nil
	}
	return list(ctx, p, "/groups", url.Values{}, func(group struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}) {
		p.groups[group.Name] = group.ID
	})
}

type peerUser struct {
	ID    int    `json:"id"`
	Email string `json:"email"`
}

type peerAssignment struct {
	ID        int    `json:"id"`
	RoleID    string `json:"role_id"`
	AppliesTo int    `json:"applies_to_id"`
}

func (p *peer) sync(ctx context.Context, wanted wish) error {
	var user *peerUser
	err := list(ctx, p, "/users", url.Values{"email": {wanted.email}}, func(found peerUser) {
		if strings.EqualFold(found.Email, wanted.email) {
			user = &found
		}
	})
	if err != nil {
		return err
	}
	if user == nil {
		user = &peerUser{}
		if err := p.call(ctx, http.MethodPost, "/users", map[string]any{"user": map[string]any{"email": wanted.email, "send_emails": false, "confirm": true}}, user); err != nil {
			return err
		}
	}
	has, superfluous := false, []int{}
	query := url.Values{"assignee_type": {"User"}, "assignee_id": {strconv.Itoa(user.ID)}}
	err = list(ctx, p, "/role_assignments", query, func(found peerAssignment) {
		switch {
		case found.RoleID != "group_basic":
		case found.AppliesTo == p.groups[wanted.group]:
			has = true
		default:
			superfluous = append(superfluous, found.ID)
		}
	})
	if err != nil {
		return err
	}
	if !has && wanted.group != "" {
		assignment := map[string]any{
			"assignee_type": "User", "assignee_id": user.ID, "applies_to_type": "Group", "applies_to_id": p.groups[wanted.group],
			"role_id": "group_basic", "notify": false,
		}
		if !wanted.until.IsZero() {
			assignment["valid_until"] = wanted.until.UTC().Format(time.RFC3339)
		}
		if err := p.call(ctx, http.MethodPost, "/role_assignments", map[string]any{"role_assignment": assignment}, nil); err != nil {
			return err
		}
	}
	for _, id := range superfluous {
		if err := p.call(ctx, http.MethodDelete, fmt.Sprintf("/role_assignments/%d", id), nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// list reads all pages.
func list[T any](ctx context.Context, p *peer, path string, query url.Values, take func(T)) error {
	const limit = 100
	for offset := 0; ; offset += limit {
		query.Set("limit", strconv.Itoa(limit))
		query.Set("offset", strconv.Itoa(offset))
		var page []T
		if err := p.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		for _, item := range page {
			take(item)
		}
		if len(page) < limit {
			return nil
		}
	}
}

// call sends a request, and again while Kisi says that it was too much or that it failed.
func (p *peer) call(ctx context.Context, method, path string, body, into any) error {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		status, answer, err := p.send(ctx, method, path, body)
		switch {
		case err != nil:
			return err
		case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
			if err := sleep(ctx, wait); err != nil {
				return err
			}
		case status >= http.StatusMultipleChoices:
			return fmt.Errorf("%s %s: HTTP status %d: %s", method, path, status, answer)
		case into == nil:
			return nil
		default:
			return json.Unmarshal(answer, into)
		}
	}
}

func (p *peer) send(ctx context.Context, method, path string, body any) (status int, answer []byte, err error) {
	if err := sleep(ctx, time.Until(p.last.Add(p.every))); err != nil {
		return 0, nil, err
	}
	p.last = time.Now()
	return p.kisi.send(ctx, method, path, body)
}

// send sends one request with the owner's key.
func (k *kisi) send(ctx context.Context, method, path string, body any) (status int, answer []byte, err error) {
	return endpoint(k.URL()).send(ctx, method, path, body)
}

// endpoint is where a simulator is.
type endpoint string

func (e endpoint) send(ctx context.Context, method, path string, body any) (status int, answer []byte, err error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, string(e)+path, content)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "KISI-LOGIN "+ownerKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := toKisi.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close() //nolint:errcheck // nothing is written
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// toKisi keeps enough connections for the workers of a bare loop.
var toKisi = &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: floorWorkers}}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// beside runs a plain loop next to something else, in the same time, and returns its error if it failed by itself.
func beside(ctx context.Context, p *peer, something func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- p.always(ctx) }()
	err := something()
	cancel()
	if loop := <-done; !errors.Is(loop, context.Canceled) {
		err = errors.Join(err, loop)
	}
	return err
}
