package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// simulatedKisi speaks to the simulator: as people with logins of their own at Kisi's API, and, for what the audience
// wants to know, at the simulator's.
type simulatedKisi struct {
	url    string
	domain string
	admin  string
	client http.Client
}

func newSimulatedKisi(address string, story *Story) *simulatedKisi {
	return &simulatedKisi{url: address, domain: story.Domain, admin: story.Admin, client: http.Client{Timeout: 10 * time.Second}}
}

// asAdmin calls Kisi's API as an administrator in Kisi's dashboard does: not with the operator's key, so that it is
// not counted as the operator's.
func (k *simulatedKisi) asAdmin(ctx context.Context, method, path string, body, into any) error {
	return k.call(ctx, method, "/_simulator/as/"+k.domain+"/"+k.admin+path, "", body, into)
}

// locks returns the ids of the organization's doors by name.
func (k *simulatedKisi) locks(ctx context.Context) (map[string]int, error) {
	var locks []struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	if err := k.asAdmin(ctx, http.MethodGet, "/locks", nil, &locks); err != nil {
		return nil, fmt.Errorf("listing the doors: %w", err)
	}
	ids := map[string]int{}
	for _, lock := range locks {
		ids[lock.Name] = lock.ID
	}
	return ids, nil
}

// login makes a login on a person's behalf and returns its secret, or nothing for somebody who is no user.
func (k *simulatedKisi) login(ctx context.Context, person Person) (string, error) {
	body := map[string]any{"login": map[string]any{"email": person.Email, "name": "demo"}}
	var login struct {
		Secret string `json:"secret"`
	}
	err := k.asAdmin(ctx, http.MethodPost, "/logins", body, &login)
	var no *refusal
	if errors.As(err, &no) && no.status == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("making a login for %s: %w", person.Name, err)
	}
	return login.Secret, nil
}

// unlock tries a door with a person's login. The error says that there was no answer from the door.
func (k *simulatedKisi) unlock(ctx context.Context, lockID int, secret string) (Attempt, error) {
	if secret == "" {
		return Attempt{Refusal: "no user in Kisi"}, nil
	}
	err := k.call(ctx, http.MethodPost, fmt.Sprintf("/locks/%d/unlock", lockID), secret, nil, nil)
	var no *refusal
	if errors.As(err, &no) && no.status == http.StatusForbidden {
		return Attempt{Refusal: no.body}, nil
	}
	return Attempt{Opened: err == nil}, err
}

// requests lists what was asked of Kisi's API with the keys of a person.
func (k *simulatedKisi) requests(ctx context.Context, email string) (Requests, error) {
	var requests Requests
	if err := k.call(ctx, http.MethodGet, "/_simulator/requests?organization="+k.domain+"&user="+url.QueryEscape(email), "", nil, &requests); err != nil {
		return nil, fmt.Errorf("reading Kisi's request log: %w", err)
	}
	return requests, nil
}

// refusal is an answer that is no success.
type refusal struct {
	status int
	body   string
}

func (r *refusal) Error() string { return fmt.Sprintf("HTTP status %d: %s", r.status, r.body) }

func (k *simulatedKisi) call(ctx context.Context, method, path, secret string, body, into any) error {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, k.url+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if secret != "" {
		request.Header.Set("Authorization", "KISI-LOGIN "+secret)
	}
	response, err := k.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // nothing is written
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return &refusal{response.StatusCode, string(bytes.TrimSpace(answer))}
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
