// Package applyconfiguration finds the apply configuration of a kind. The apply configurations themselves are in
// [github.com/kisi-operator/kisi-operator/api/applyconfiguration/api/v1alpha1].
//
// They are a module of their own because they need client-go's apply configurations of object metadata: who only reads
// the kinds imports github.com/kisi-operator/kisi-operator/api, which needs apimachinery and nothing else.
package applyconfiguration
