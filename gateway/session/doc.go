// Package session is the life of a device's connection on the edge.
//
// A connection is one of three types, each in its file. An unidentified one
// may only say Hello; it has no number, no place in the hub and no way to be
// sent anything. An identified one is a session. A closed one has a close
// frame to deliver and nothing else.
//
// # Goroutines
//
// A session reads and handles frames, one at a time. Where its connection is a
// transport.Parker it does so when the connection calls it, and owns no
// goroutine; elsewhere it owns one, which waits in Read. On a transport.Trier
// that one only waits, and a few that all sessions share do the rest.
//
// Whatever is to be written goes to the session's outbox, and the first to put
// something in sees to a writer, which writes until the outbox is empty. On a
// parked connection that is the reader itself, at the end of its turn, or one
// of a few that all sessions share: writing does not wait there, and what the
// device does not take is gone on with when it does. On a transport.Trier it is
// one of those few, too, as long as nothing has to wait. Elsewhere, and then, it
// is a goroutine, which ends. So an idle session owns no writer and no buffer, and a
// device that does not read holds up nobody: neither its own reader, nor a
// router's notify, nor another session.
//
// A request that is relayed has a goroutine for as long as it takes. All of
// them, and the sessions without one, belong to the call of [Server.Serve]
// that accepted the connection, which waits for them.
//
// # Memory
//
// There may be hundreds of thousands of sessions, of which nearly all wait for
// the next beat. What a session needs only while something is under way is in
// its busy, and handed back after; what is left has few pointers. What many
// have in common, a profile or most of a token, is kept once.
//
// # Locks
//
// A session's mu may be held while the hub's locks are taken, never the other
// way round. [Registry] is called with mu held where the order of calls
// matters, so its methods that never block must not call back into the hub.
package session
