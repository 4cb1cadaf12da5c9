// Package edgelink is the edge's side of its link to the routers, over core
// NATS.
//
// # Sessions
//
// The link owns the edge's set of live sessions. Register and Unregister
// append to what is to be told; one goroutine drains it into numbered
// batches. A beat, once a second, repeats the last number with the count and
// the checksum of all sessions that were told up to it, so that a router
// which missed anything sees it and asks for a dump.
//
// # Verification
//
// A session begins unverified: a router that has not yet heard of it may
// take its device for away. In this order, always:
//
//  1. the session's batch is published;
//  2. every router that is present, and complete or being filled by a dump,
//     echoes the batch's number;
//  3. a router is asked for the heads of the session's user, and the Handler
//     gets them.
//
// All sessions are unverified again, and asked for along the same way, when
// NATS comes back or when a router becomes complete. That is spread over
// Timing.Window.
//
// # NATS away
//
// While NATS is away nothing is queued: only the set of sessions is kept.
// Afterwards the batch number skips one, and every router asks for a dump.
//
// # Loss
//
// Core NATS loses messages in silence. Batches and echoes are repaired by
// the beat, dumps are asked for again, heads are asked for until they are
// answered, and a lost answer to a notify is asked for again by the router.
// Every queue has a bound, and hawser_edgelink_dropped_total says what was
// dropped at it.
package edgelink
