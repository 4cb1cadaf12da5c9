// Package session is the life of a device's connection on the edge.
//
// A connection is one of three types, each in its file. An unidentified one
// may only say Hello; it has no number, no place in the hub and no way to be
// sent anything. An identified one is a session. A closed one has a close
// frame to deliver and nothing else.
//
// # Goroutines
//
// A session has one goroutine that reads and handles frames, one at a time.
// Whatever is to be written goes to the session's outbox, and the first to put
// something in starts a writer, which writes until the outbox is empty and
// ends. So an idle session owns no writer and no buffer, and a device that
// does not read holds up nobody: neither its own reader, nor a router's
// notify, nor another session. A request that is relayed has a goroutine for
// as long as it takes. All of them belong to the call of [Server.Serve] that
// accepted the connection, which waits for them.
//
// # Locks
//
// A session's mu may be held while the hub's locks are taken, never the other
// way round. [Registry] is called with mu held where the order of calls
// matters, so its methods that never block must not call back into the hub.
package session
