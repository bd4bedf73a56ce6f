package simulation

import "slices"

// shrink leaves out of a history what it fails without, as far as so many tries go.
func shrink(h history, tries int, fails func(history) bool) history {
	for size := len(h.Steps) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(h.Steps) && tries > 0; {
			tries--
			shorter := h
			shorter.Steps = slices.Delete(slices.Clone(h.Steps), at, at+size)
			if fails(shorter) {
				h = shorter
				continue
			}
			at += size
		}
	}
	return h
}
