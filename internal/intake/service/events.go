package service

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/internal/intake/apply"
)

// Recorder writes Events about the pod that kisi-feed runs in.
type Recorder struct {
	// Pod is its name; empty if it runs elsewhere: then there are no Events.
	Pod string
}

// maxNote is how long the note of an Event may be.
const maxNote = 1024

// warn writes an Event with the problems of a feed. One that cannot be written is no reason to fail.
func (r Recorder) warn(ctx context.Context, log logr.Logger, feed *Feed, news []string) {
	if r.Pod == "" || feed.DryRun {
		return
	}
	note := fmt.Sprintf("feed %s: %s", feed.Config.Name, strings.Join(news, "; "))
	if runes := []rune(note); len(runes) > maxNote/4 && len(note) > maxNote {
		note = string(runes[:maxNote/4-2]) + " …"
	}
	event := &eventsv1.Event{
		ObjectMeta:          metav1.ObjectMeta{Namespace: feed.Namespace, GenerateName: "kisi-feed-"},
		EventTime:           metav1.NowMicro(),
		ReportingController: apply.Manager, ReportingInstance: r.Pod,
		Type: corev1.EventTypeWarning, Reason: "FeedHasProblems", Action: "Read", Note: note,
		Regarding: corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: feed.Namespace, Name: r.Pod},
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := feed.Client.Create(ctx, event); err != nil {
		log.V(1).Info("event not written", "error", err.Error())
	}
}
