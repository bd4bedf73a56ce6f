package simulation

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kisi-operator/kisi-operator/internal/simulation/apiserver"
)

var (
	playFor  = flag.Duration("for", 20*time.Second, "how long histories are played")
	playSeed = flag.Uint64("seed", 0, "play the history of this seed alone; 0 plays new ones")
	playDays = flag.Int("days", 5, "how many days a history has")
	verbose  = flag.Bool("trace", false, "with -seed: print the steps and the operator's log")
	keep     = flag.String("keep", "", "a file that takes a history that failed, as short as it fails; in testdata/histories it is played in every run")
	tries    = flag.Int("tries", 60, "how many shorter histories are tried once one has failed")
)

func TestMain(m *testing.M) {
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	// apimachinery spaces its reports of errors by when the latest was, for the whole process: in a bubble, whose clock begins
	// in the year 2000, it would sleep for as long as that is ago.
	utilruntime.ErrorHandlers = nil //nolint:reassign // see above
	os.Exit(m.Run())
}

// readDefinitions reads them once: every world has the same.
var readDefinitions = sync.OnceValues(func() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	return apiserver.Definitions("../../config/crd/bases")
})

func definitions(t *testing.T) []*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	definitions, err := readDefinitions()
	if err != nil {
		t.Fatal(err)
	}
	return definitions
}

// play runs a history in a bubble and returns what was wrong.
func play(t *testing.T, of []*apiextensionsv1.CustomResourceDefinition, h history) (wrong []string, days float64, count counts) {
	t.Helper()
	var clock atomic.Int64
	defer watch(&clock, h.Seed)()
	synctest.Test(t, func(t *testing.T) {
		defer tick(&clock)()
		logger := logr.Discard()
		if *verbose {
			logger = funcr.New(func(prefix, args string) { fmt.Println(short(now()), prefix, args) }, funcr.Options{Verbosity: 1})
		}
		w, err := newWorld(t.Context(), of, h, logger)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(h.Began))
		w.record.began = now()
		w.record.epochs = []epoch{{now(), w.is}}
		for _, s := range h.Steps {
			time.Sleep(time.Until(h.Began.Add(s.At)))
			if *verbose {
				fmt.Println(short(now()), "STEP", s)
			}
			if err := w.do(s); err != nil {
				t.Fatalf("seed %d, %s: %v", h.Seed, s, err)
			}
		}
		if wrong, err = w.finish(addresses()); err != nil {
			t.Fatalf("seed %d: %v", h.Seed, err)
		}
		days, count = w.record.ended.Sub(w.record.began).Hours()/24, w.count
	})
	return wrong, days, count
}

// tick counts the minutes of a bubble's clock.
func tick(clock *atomic.Int64) (stop func()) {
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(time.Minute)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				clock.Add(1)
			}
		}
	}()
	return func() { close(done) }
}

// patience is how long a minute of the simulated clock may take: milliseconds are usual.
const patience = 30 * time.Second

// watch ends the whole test when the simulated clock stands still, for it would never end by itself: something does work for
// ever without waiting, or waits for a lock that somebody holds who sleeps.
func watch(clock *atomic.Int64, seed uint64) (stop func()) {
	done := make(chan struct{})
	go func() {
		for before := int64(-1); ; {
			select {
			case <-done:
				return
			case <-time.After(patience):
			}
			now := clock.Load()
			if now == before {
				debug.SetTraceback("all")
				panic(fmt.Sprintf("seed %d: the clock stands still %d minutes after the beginning", seed, now))
			}
			before = now
		}
	}()
	return func() { close(done) }
}

// beginning is when histories begin: a minute after the clock of a bubble does, for the operator to read everything.
var beginning = time.Date(2000, 1, 1, 0, 1, 0, 0, time.UTC)

func TestNobodyIsEverLetInOrLockedOutWrongly(t *testing.T) {
	definitions := definitions(t)
	var (
		mu        sync.Mutex
		total     counts
		days      float64
		histories int
		workers   sync.WaitGroup
	)
	began := time.Now()
	one := func(seed uint64) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := newHistory(seed, beginning, *playDays)
			wrong, more, count := play(t, definitions, h)
			mu.Lock()
			total.add(count)
			days += more
			histories++
			mu.Unlock()
			if len(wrong) == 0 {
				return
			}
			t.Errorf("go test . -run %s -seed=%d -days=%d\n%s", t.Name(), seed, *playDays, strings.Join(wrong, "\n"))
			least := shrink(h, *tries, func(h history) bool {
				wrong, _, _ := play(t, definitions, h)
				return len(wrong) > 0
			})
			if *keep != "" {
				if err := writeHistory(*keep, least); err != nil {
					t.Error(err)
				}
			}
			t.Logf("It is seen with %d of the %d steps alone, and Kisi's %v:\n%s", len(least.Steps), len(h.Steps), h.Switches, lines(least.Steps))
		})
	}
	if *playSeed != 0 {
		one(*playSeed)
		return
	}
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for first := true; first || time.Since(began) < *playFor && !t.Failed(); first = false {
				one(rand.Uint64() | 1) // #nosec G404 -- not secret
			}
		})
	}
	workers.Wait()
	t.Logf("%.0f operator-days in %d histories and %s: %s", days, histories, time.Since(began).Round(time.Second), total)
}

func lines(steps []step) string {
	var out strings.Builder
	for _, s := range steps {
		fmt.Fprintln(&out, " ", s)
	}
	return out.String()
}
