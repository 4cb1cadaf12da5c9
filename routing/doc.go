// Package routing holds what hawser's roles agree on when they talk over
// NATS: the names of subjects, streams, consumers, buckets and headers
// (subjects.go), how the streams are configured (streams.go), what each
// role's NATS user may do (permissions.go), which tenants and kinds exist
// (catalog.go) and what an event in the inbox log looks like (event.go).
//
// The packages below it do the work; none of them spells out a subject of
// its own.
package routing
