// Package measure makes metrics of the objects' events: how many grants there are, which conditions change, and how long a door
// took to open after somebody wished so.
package measure
