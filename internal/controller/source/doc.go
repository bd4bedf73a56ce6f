// Package source reconciles what gives access: bookings, subscriptions, plans and places. It writes their statuses; the access
// itself is planned with the Member.
package source
