package simulator

import "time"

// Mail is an e-mail that Kisi would have sent.
type Mail struct {
	Time         time.Time `json:"time"`
	Organization string    `json:"organization"` // domain
	To           string    `json:"to"`
	Subject      string    `json:"subject"`
}

func (s *Server) mail(now time.Time, to user, subject string) {
	org, _ := s.organizations.get(to.OrganizationID)
	s.mails = append(s.mails, Mail{now, org.Domain, to.Email, subject})
}

// Mails lists every e-mail that Kisi would have sent so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail{}, s.mails...)
}
