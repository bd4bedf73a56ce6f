package failure

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

func TestEveryErrorOfKisiIsOfOneKind(t *testing.T) {
	answered := func(status int) error { return fmt.Errorf("granting: %w", &kisi.Error{Op: "x", Status: status}) }
	for name, test := range map[string]struct {
		err  error
		kind Kind
	}{
		"403: a person has to change the role": {answered(http.StatusForbidden), Refused},
		"401: the connection waits for a key":  {answered(http.StatusUnauthorized), Pending},
		"404: something is missing in Kisi":    {answered(http.StatusNotFound), Pending},
		"422: Kisi does not take it as it is":  {answered(http.StatusUnprocessableEntity), Pending},
		"402: the plan has no seat left":       {answered(http.StatusPaymentRequired), Refused},
		"409: there is one already":            {answered(http.StatusConflict), Pending},
		"400":                                  {answered(http.StatusBadRequest), Transient},
		"429":                                  {answered(http.StatusTooManyRequests), Transient},
		"500":                                  {answered(http.StatusInternalServerError), Transient},
		"no answer":                            {&kisi.Error{Op: "x", Err: kisi.ErrNoAnswer}, Transient},
		"not sent, because of an outage":       {&kisi.Error{Op: "x", Err: kisi.ErrOutage}, Transient},
		"a list that fell short":               {&IncompleteListError{"listing", "the total moved"}, Transient},
		"anything else":                        {errors.New("odd"), Transient},
	} {
		t.Run(name, func(t *testing.T) {
			if found := Of(test.err); found.Kind != test.kind || found.Message == "" {
				t.Errorf("found %+v", found)
			}
		})
	}
}
