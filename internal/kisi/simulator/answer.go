package simulator

import (
	"net/http"
)

// answer is what a handler wants sent. Listings keep their rows apart, so that
// faults can cut or repeat them.
type answer struct {
	status int
	body   any
	header map[string]string
	list   *listing
}

type listing struct {
	rows                 []any
	offset, limit, total int
	unmarked             bool // without X-Collection-Range
}

type errorJSON struct {
	Code  string `json:"code"`
	Error string `json:"error"`
}

type errorsJSON struct {
	Errors map[string][]string `json:"errors"`
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

func noContent() answer { return answer{status: http.StatusNoContent} }

func refuse(status int, code, message string) answer {
	return answer{status: status, body: errorJSON{code, message}}
}

// The codes of generic errors are inferred from the one that was seen in the
// field: an unknown route answers 404 with code 000404.
func badRequest(message string) answer { return refuse(http.StatusBadRequest, "000400", message) }

func unauthorized() answer {
	return refuse(http.StatusUnauthorized, "000401", "You need to sign in before continuing.")
}

func forbidden() answer {
	return refuse(http.StatusForbidden, "000403", "You are not allowed to do this.")
}

func notFound() answer {
	return refuse(http.StatusNotFound, "000404", "The requested resource does not exist.")
}

func unknownRoute(*call) answer {
	return refuse(http.StatusNotFound, "000404", "The endpoint does not exist, please check your request.")
}

func conflict(message string) answer { return refuse(http.StatusConflict, "000409", message) }

func tooManyRequests() answer {
	return refuse(http.StatusTooManyRequests, "000429", "Too many requests, please slow down.")
}

func invalid(field string, messages ...string) answer {
	return answer{status: http.StatusUnprocessableEntity, body: errorsJSON{map[string][]string{field: messages}}}
}

func invalidFields(errors map[string][]string) answer {
	return answer{status: http.StatusUnprocessableEntity, body: errorsJSON{errors}}
}
