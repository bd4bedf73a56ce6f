package controller

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
		kind troubleKind
	}{
		"403: a person has to change the role": {answered(http.StatusForbidden), refused},
		"401: the connection waits for a key":  {answered(http.StatusUnauthorized), pending},
		"404: something is missing in Kisi":    {answered(http.StatusNotFound), pending},
		"422: Kisi does not take it as it is":  {answered(http.StatusUnprocessableEntity), pending},
		"402: the plan has no seat left":       {answered(http.StatusPaymentRequired), refused},
		"409: there is one already":            {answered(http.StatusConflict), pending},
		"400":                                  {answered(http.StatusBadRequest), transient},
		"429":                                  {answered(http.StatusTooManyRequests), transient},
		"500":                                  {answered(http.StatusInternalServerError), transient},
		"no answer":                            {&kisi.Error{Op: "x", Err: kisi.ErrNoAnswer}, transient},
		"not sent, because of an outage":       {&kisi.Error{Op: "x", Err: kisi.ErrOutage}, transient},
		"a list that fell short":               {&incompleteListError{"listing", "the total moved"}, transient},
		"anything else":                        {errors.New("odd"), transient},
	} {
		t.Run(name, func(t *testing.T) {
			if found := troubleOf(test.err); found.kind != test.kind || found.text == "" {
				t.Errorf("found %+v", found)
			}
		})
	}
}
