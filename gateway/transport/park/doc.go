// Package park holds sockets on which mostly nothing happens: each costs a
// small struct, and no goroutine, timer or buffer.
//
// A [Poller] watches its sockets with an edge-triggered epoll instance. When
// something happens to a socket its [Owner] is called: there may be something
// to read, a deadline passed, or what was written has been taken. The calls of
// one socket never overlap, and come from whichever goroutine saw the event;
// they must not block. In a turn Read gives no more than a share; what there is
// more comes in a turn behind those of other sockets with so much to read, so
// that a peer which never pauses holds up nobody.
//
// # Reading and writing
//
// Read is for the owner's turn, and never waits: where nothing is there, or the
// share is used up, it answers os.ErrDeadlineExceeded, which crypto/tls takes
// for temporary. Write never waits either, and never
// answers that it would have to, for crypto/tls does not go on after a failed
// write: what the system does not take at once is queued, and written when it
// does. The queue is bounded; a peer that lets it grow beyond is given up.
//
// Until [Socket.Park] is called a socket behaves otherwise: Read waits, for a
// handshake is simpler written so.
//
// # Deadlines
//
// All deadlines of a poller share one wheel, in which a socket has one entry.
// A deadline that moves later costs nothing: the entry is looked at when its
// time comes, and put in again. So deadlines are met with a delay of up to two
// ticks, never early.
//
// The package exists on Linux; elsewhere it is empty.
package park
