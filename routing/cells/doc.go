// Package cells shares what edges learn of networks.
//
// An edge learns in a cell of package heartbeat for how long each network keeps
// a silent connection. One edge alone learns a network that few of its devices
// are in for days; the fleet does in an hour, and an edge that starts anew
// knows at once what it knew before. The sums are in the bucket CELLS, one key
// a network, about 300 bytes.
//
//	edge: Sharer                        router: Keeper                   bucket CELLS
//	  what it saw since the last time     checked, bounded, added up       compare and set
//	  and up to which revision it has     -------------------------->
//	  the others' sums              <---  what changed since, a page       watched
//
// Edges have no JetStream. Once a minute, spread by a third, an edge asks any
// router with one request, hw.q.cells.E, which carries what it learned since
// and names the revision of the bucket up to which it knows the sums. The
// answer says what became of each of its deltas, and brings the sums that
// changed, the oldest change first. A page holds up to 256 cells; an edge asks
// for the next one at once, but in a minute no more than 16, unless it knows
// nothing yet: so the edges of a large fleet, whose cells all change, follow
// more slowly instead of moving 20 MB a minute each. Nothing is lost by asking
// rarely, nor by a message that core NATS loses: the edge asks again from
// where it is.
//
// # Once, and only once
//
// A cell remembers of each edge the last batch that is part of it, so that a
// batch which is sent again counts once, even at another router, and even if
// the one that had it was killed between writing and answering. An edge sends
// a batch until it is answered, and learns on meanwhile: what comes to that
// goes with the next batch. Of more than 64 edges in one cell those that wrote
// it longest ago are no longer remembered; a batch of theirs that is still
// under way then, after minutes, counts twice.
//
// # What an edge is believed
//
// An edge stands in the open, and one that was stolen must not be able to
// mislead the fleet without limit. Of a delta nothing counts but amounts: it
// is dated by the router's clock. Beyond these limits it is cut down, or
// refused:
//
//   - all deltas of an edge: one connection that showed something for each
//     session and 25 s, the shortest silence there is. The sessions are those
//     that routers know of, or 100. What is not used is kept for an hour.
//   - its part of one cell: 256 connections, with the half-life of the cells.
//     Where two honest edges see a network, the third is outvoted.
//   - networks that have changed, so that what was known of them is taken back:
//     240 an hour. Of others only the evidence counts.
//   - networks that the bucket does not know yet: 2,000 an hour.
//
// Each router counts for itself: an edge that asks all of R routers has R
// times as much, but for the second.
//
// # Bounds
//
// Of a million networks the bucket keeps 65,536 (router.max_networks): a new
// one takes the place of that which was not heard of for longest, if that was
// a day ago or more, and is refused otherwise. A cell has at most 4 KiB. What
// nobody wrote for 14 days is gone. Keys and values that are not hawser's are
// counted and left alone; a value that cannot be read is replaced by the next
// delta.
//
// # Age
//
// Evidence loses its weight with the half-life of package heartbeat. A sum
// carries the time of its last delta by the router's clock, which is no more
// than half a second off or the router takes no work; deltas carry no time. A
// sum dated more than a minute ahead is garbage. An edge whose clock is far
// off takes the sums for older or newer than they are, and says in its
// readiness that it is wrong.
//
// # What happens when
//
//   - The store, or every router, is away: edges learn by themselves and from
//     what they know; the batch under way waits, one at most.
//   - A router is killed: the edge asks another one within seconds.
//   - The bucket is deleted: a router that watched it makes it anew within ten
//     seconds, and puts back what it knew. The bucket is another generation, of
//     which edges ask everything.
//   - The bucket is full of bytes: known networks go on being added up, new
//     ones are refused.
//   - A cell is removed from the bucket by hand: routers forget it, and edges
//     once one of them has learned something new of the network, which makes
//     the cell anew; until then as it loses its weight. An alarm holds for its
//     hour. To forget everything stop the routers, delete the bucket, restart
//     the edges.
package cells
