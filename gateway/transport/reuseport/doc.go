// Package reuseport lets several processes listen at one TCP port, each with a
// socket of its own, and lets one of them leave without refusing anybody.
//
// The system gives each new connection to one of the sockets, by a hash of its
// addresses. Closing a socket resets what waits in it: connections that nobody
// has accepted yet, and those of which the last packet of the TCP handshake has
// not come. [Leave] prepares for closing, in one of two ways.
//
// Where net.ipv4.tcp_migrate_req is 1 the system hands over what waits to
// another socket of the port. It misses what comes in the very moment of
// closing, so for some milliseconds before the socket takes no last packets of
// handshakes; the devices' first bytes follow, are sent again after some 200 ms,
// and find the other socket. New connections are not held up at all.
//
// Where it is 0 the socket takes no first packets for settle, while what is
// under way comes to its end and is accepted. Devices send first packets again
// after a second, and then find another socket. Only those whose handshake
// takes longer than settle are reset.
//
// Both work by a filter on the listening socket, for which no right is needed.
// Linux only: elsewhere one port has one process.
package reuseport

import "time"

const (
	// settle is how long handshakes are given to come to their end. It is
	// shorter than the second after which a device sends its first packet again.
	settle = 900 * time.Millisecond
	// grace outlasts the processing of a packet that was under way, where the
	// system cannot tell its end.
	grace = 20 * time.Millisecond
	// acceptWait bounds the wait for those that are still to be accepted.
	acceptWait = 10 * time.Second
	// look is the time between two looks at how many those are.
	look = time.Millisecond
)
