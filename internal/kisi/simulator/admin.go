package simulator

import "net/http"

func (s *Server) adminRoutes() *http.ServeMux { return http.NewServeMux() }
