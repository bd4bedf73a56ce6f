package pacing

import (
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

func TestWhatIsWrittenInADuelIsWrittenOnceASecondInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Bursts
		name := types.NamespacedName{Namespace: "gym", Name: "default"}
		writes := 0
		for end := time.Now().Add(time.Minute); time.Now().Before(end); {
			if wait := b.Take(name); wait > 0 {
				time.Sleep(wait)
				continue
			}
			writes++
		}
		if writes < atOnce+59 || writes > atOnce+60 {
			t.Errorf("%d writes within a minute, want %d at once and one a second", writes, atOnce)
		}
		b.Forget(name)
		if len(b.each) > 0 {
			t.Error("an object that is gone is remembered")
		}
	})
}
