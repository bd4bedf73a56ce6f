package member

import (
	"context"
	"slices"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

var (
	leaving = enqueue.RequestNamed("ns", "leaving")
	staying = enqueue.RequestNamed("ns", "staying")
)

// hangar is a queue in which nothing starts until the one task ahead of it has ended.
type hangar struct {
	*flights
	queue *kisi.Queue
	free  func()
	woken chan reconcile.Request
}

func newHangar(t *testing.T) *hangar {
	queue := kisi.NewQueue(kisi.QueueOptions{RequestsPerSecond: 1000, MaxInFlight: 1})
	t.Cleanup(queue.Close)
	begun, blocked := make(chan struct{}), make(chan struct{})
	queue.Submit(kisi.Task{Key: "ahead", Run: func(context.Context) { close(begun); <-blocked }})
	<-begun
	return &hangar{flights: &flights{}, queue: queue, free: func() { close(blocked) }, woken: make(chan reconcile.Request, 10)}
}

func (h *hangar) submit(request reconcile.Request, id string, run func()) {
	h.flights.submit("person", h.queue, kisi.Class{}, request, id, kisi.Task{Run: func(context.Context) { run() }},
		func(waiting ...reconcile.Request) {
			for _, r := range append(waiting, request) {
				h.woken <- r
			}
		})
}

func TestAMemberWithNothingToDoLeavesTheOperationOfAnotherOfItsAddress(t *testing.T) {
	h := newHangar(t)
	ran := make(chan struct{})
	h.submit(leaving, "revoke", func() { close(ran) })
	h.cancel("person", staying)
	h.free()
	<-ran
	if got := <-h.woken; got != leaving {
		t.Errorf("woken is %v, not the Member whose operation ended", got)
	}
}

func TestAMemberWhoseOperationIsReplacedIsWokenAtTheEndOfTheOther(t *testing.T) {
	h := newHangar(t)
	h.submit(leaving, "revoke", func() { t.Error("a replaced operation ran") })
	h.submit(staying, "grant", func() {})
	h.free()
	woken := []reconcile.Request{<-h.woken, <-h.woken}
	if !slices.Contains(woken, leaving) || !slices.Contains(woken, staying) {
		t.Errorf("woken are %v", woken)
	}
}

func TestAMemberThatComesWhileAnotherOfItsAddressIsServedIsWokenAtTheEnd(t *testing.T) {
	h := newHangar(t)
	begun, blocked := make(chan struct{}), make(chan struct{})
	h.submit(leaving, "revoke", func() { close(begun); <-blocked })
	h.free()
	<-begun
	h.submit(staying, "grant", func() { t.Error("two operations of a person ran at the same time") })
	if !h.running("person", leaving) {
		t.Error("the operation under way is forgotten")
	}
	close(blocked)
	woken := []reconcile.Request{<-h.woken, <-h.woken}
	if !slices.Contains(woken, leaving) || !slices.Contains(woken, staying) {
		t.Errorf("woken are %v", woken)
	}
}

func TestWhoWaitedForACanceledOperationIsWoken(t *testing.T) {
	h := newHangar(t)
	h.submit(leaving, "revoke", func() {})
	h.submit(staying, "grant", func() { t.Error("a canceled operation ran") })
	if woken := h.cancel("person", staying); !slices.Contains(woken, leaving) {
		t.Errorf("woken are %v", woken)
	}
	h.free()
}
