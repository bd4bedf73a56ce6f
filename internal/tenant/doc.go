// Package tenant reads one namespace: the objects that bear on a person, through field indexes, the snapshot of what its
// connections and groups stand for, and the people, bookings and subscriptions that a change concerns. It writes nothing.
package tenant
