package kisi

import (
	"bytes"
	"encoding/json"
	"errors"
)

// errTooManyItems says that a list has more items than anything is prepared for.
var errTooManyItems = errors.New("too many items")

// fewItems are the items of a list that has no pages.
type fewItems []json.RawMessage

// UnmarshalJSON fails for a list of more items than anybody has.
func (f *fewItems) UnmarshalJSON(data []byte) (err error) {
	const few = 1000
	*f, err = itemsIn(data, few)
	return err
}

// itemsIn returns the items of a JSON list of at most so many, as they are written; nil for null. An item takes hundreds of
// bytes once it is read, and two on the way, so what is bounded in bytes there is counted before it is read.
func itemsIn(body []byte, most int) ([]json.RawMessage, error) {
	if !json.Valid(body) {
		return nil, errors.New("it is not JSON")
	}
	if body = bytes.TrimSpace(body); string(body) == "null" {
		return nil, nil
	}
	if body[0] != '[' {
		return nil, errors.New("it is not a list")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	items := []json.RawMessage{}
	for decoder.More() {
		if len(items) == most {
			return nil, errTooManyItems
		}
		var item json.RawMessage
		if err := decoder.Decode(&item); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}
