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
// All sessions of an edge ask within Timing.Window, 30 s, or at 1,000 a second
// where that is less. Measured with real processes on one machine, 10,000
// sessions: 50-110 us of processor time a session at the edge, 25-40 at the router
// and 40-50 at NATS, in 40 requests of 256 users each, of which 4 are under way at
// once. A million sessions on one edge ask for 33,000 heads a second: 1.7 cores
// of NATS and 1.3 of routers, for half a minute, and that for each such edge.
// Where the routers do not keep up the requests are repeated with a pause that
// doubles up to 5 s, so that the sweep takes longer instead of toppling them.
//
// # Whom it asks
//
// Heads and device records are asked of a router by its name: of one that is
// complete and beat within the last 1.5 s, of the edge's own site if there is
// any, of another one where that does not answer. Only where none is known, and
// each third time, the queue group is asked, which goes on giving a stopped
// router questions until NATS drops its connection. So is the sync of devices;
// see Router.
//
// # Answers
//
// Every notify is answered. An answer waits up to 5 ms for others, since no
// device waits for it, and one that says as much as a former one which is still
// there takes its place: a device on a fast network acknowledges before the
// router was told that its notify is on the way. At 5,000 events/s to 2,000
// devices beside the edge that makes 0.03 messages an event instead of 0.9, and
// the router's acknowledgements to the log go as closely together.
//
// # NATS away
//
// While NATS is away nothing is queued: only the set of sessions is kept.
// Afterwards the batch number skips one, and every router asks for a dump.
//
// # Loss
//
// Core NATS loses messages in silence: with a server that restarts or ends a
// slow consumer, with a route of the cluster, with a subscription that does not
// keep up. Nothing may depend on one of them to arrive:
//
//	message             its loss is noticed by                  repaired by          within
//	session batch       routers: number, count and checksum     a dump               2 s
//	                    of the next batch or beat
//	beat of the edge    routers: 3 s of silence                 a dump, and sessions 5 s after
//	                                                            examined again       the next
//	dump, its request   the router: no progress for 1 s         asking again         2 s
//	echo, with what     the edge: its sessions wait             the echo of the      1 s
//	it ends or refuses                                          next beat
//	beat of a router    the edge: 3 s of silence                all sessions verified 5 s after
//	                                                            anew                 the next
//	heads request,      the edge: no answer for 1 s, then 2 s   asking another       2 s, doubled
//	its answer                                                  router               up to 5 s
//	notify              the router: no answer for 1 s           notifying again      2 s
//	answer              the same                                the same             2 s
//	device request,     the edge: no answer for 1 s, then 2 s   asking another       2 s, doubled
//	its answer                                                  router               up to 2 s
//
// What is in flight to a device whose router or edge dies is asked for along
// the path of verification. A subscription of the edge that overflows loses
// messages of these kinds and no others. Every queue has a bound, and
// hawser_edgelink_dropped_total says what was dropped at it.
package edgelink
