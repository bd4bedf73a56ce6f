package simulator

import "time"

// instant is how Kisi writes times: ISO 8601 in UTC, with a fraction only if
// there is one to show.
type instant time.Time

func (t instant) MarshalJSON() ([]byte, error) {
	return []byte(`"` + time.Time(t).UTC().Format("2006-01-02T15:04:05.999Z07:00") + `"`), nil
}

func instantOf(t *time.Time) *instant {
	if t == nil {
		return nil
	}
	i := instant(*t)
	return &i
}

// seconds is for stamps that Kisi itself sets: it shows no fractions there.
func seconds(t time.Time) instant { return instant(t.Truncate(time.Second)) }

func secondsOf(t *time.Time) *instant {
	if t == nil {
		return nil
	}
	i := seconds(*t)
	return &i
}

type refJSON struct {
	ID           int    `json:"id"`
	ResourceType string `json:"resource_type"`
	Name         string `json:"name"`
}

type refUserJSON struct {
	ID           int    `json:"id"`
	ResourceType string `json:"resource_type"`
	Email        string `json:"email"`
	Name         string `json:"name"`
}

type refGuestJSON struct {
	ID           int     `json:"id"`
	ResourceType string  `json:"resource_type"`
	Name         string  `json:"name"`
	Email        *string `json:"email"`
	PhoneNumber  *string `json:"phone_number"`
}

type refOrganizationJSON struct {
	ID           int    `json:"id"`
	ResourceType string `json:"resource_type"`
	Name         string `json:"name"`
	Domain       string `json:"domain"`
}

func refUser(u user) refUserJSON { return refUserJSON{u.ID, kindUser, u.Email, u.Name} }

func refGuest(g guest) refGuestJSON {
	return refGuestJSON{g.ID, kindGuest, g.Name, g.Email, g.Phone}
}

func refTeam(t team) refJSON   { return refJSON{t.ID, kindTeam, t.Name} }
func refGroup(g group) refJSON { return refJSON{g.ID, kindGroup, g.Name} }
func refPlace(p place) refJSON { return refJSON{p.ID, kindPlace, p.Name} }

func refOrganization(o organization) refOrganizationJSON {
	return refOrganizationJSON{o.ID, kindOrganization, o.Name, o.Domain}
}

// nullable is null for an id that names nothing.
func nullable(id int) *int {
	if id == 0 {
		return nil
	}
	return &id
}
