package simulator

import (
	"fmt"
	"testing"
	"time"
)

func TestALoginOnBehalfOpensTheDoorInThePersonsName(t *testing.T) {
	s := simulated(t)
	created := send(t, s, ownerKey, "POST", "/logins", `{"login":{"type":"device","email":"mara@acme.example","expire":"false"}}`).want(200).object()
	secret := fmt.Sprint(created["secret"])
	if created["authentication_token"] != secret || created["expire"] != false || created["primary"] != true {
		t.Errorf("got %v", created)
	}
	send(t, s, secret, "POST", fmt.Sprintf("/locks/%d/unlock", lockID(t, s, "Entrance")), "").want(200)
	refused := send(t, s, secret, "POST", fmt.Sprintf("/locks/%d/unlock", lockID(t, s, "Boardroom")), "").want(403)
	if refused.code() != "fcd8ef" {
		t.Errorf("code %s", refused.code())
	}
	changes, _ := s.History("acme", time.Time{}, time.Time{})
	last := changes[len(changes)-2:]
	if last[0].Type != "lock.unlock" || last[0].By != "mara@acme.example" || !last[0].Success || last[1].Success || last[1].Code != "fcd8ef" {
		t.Errorf("events %+v", last)
	}
	if u, _ := s.User("acme", "mara@acme.example"); u.LastAccessedAt == nil {
		t.Error("last_accessed_at is not set")
	}
}

func TestTheCapsOnLogins(t *testing.T) {
	s := simulated(t)
	for range 9 { // one is seeded
		send(t, s, ownerKey, "POST", "/logins", `{"login":{"type":"api"}}`).want(200)
	}
	send(t, s, ownerKey, "POST", "/logins", `{"login":{"type":"api"}}`).want(403)
	if err := s.SetSwitch("apiKeyCap", "FortyOldest"); err != nil {
		t.Fatal(err)
	}
	send(t, s, ownerKey, "POST", "/logins", `{"login":{"type":"api"}}`).want(200)

	first := fmt.Sprint(send(t, s, ownerKey, "POST", "/logins", `{"login":{"type":"device","email":"tina@acme.example"}}`).want(200).object()["secret"])
	for range 40 {
		_ = s.Clock().Advance(time.Second)
		send(t, s, ownerKey, "POST", "/logins", `{"login":{"type":"device","email":"tina@acme.example"}}`).want(200)
	}
	send(t, s, first, "GET", "/login", "").want(401) // the longest unused had to go
}

func TestIdleLoginsExpire(t *testing.T) {
	for value, days := range map[string]int{"SixMonths": 181, "FourteenDays": 15} {
		s := simulated(t, "apiKeyIdle="+value)
		secret := fmt.Sprint(send(t, s, ownerKey, "POST", "/logins", `{"login":{"type":"api"}}`).want(200).object()["secret"])
		forever := fmt.Sprint(send(t, s, ownerKey, "POST", "/logins", `{"login":{"type":"api","expire":false}}`).want(200).object()["secret"])
		_ = s.Clock().Advance(time.Duration(days-2) * 24 * time.Hour)
		send(t, s, secret, "GET", "/login", "").want(200) // use keeps it alive
		_ = s.Clock().Advance(time.Duration(days-2) * 24 * time.Hour)
		send(t, s, secret, "GET", "/login", "").want(200)
		_ = s.Clock().Advance(time.Duration(days) * 24 * time.Hour)
		send(t, s, secret, "GET", "/login", "").want(401)
		send(t, s, forever, "GET", "/login", "").want(200)
	}
}
