package service

import (
	"errors"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// AddToScheme adds the kinds that feeds read and write.
func AddToScheme(scheme *runtime.Scheme) error {
	return errors.Join(v1alpha1.AddToScheme(scheme), eventsv1.AddToScheme(scheme))
}
