// Package milliontest measures what very many sessions cost an edge in one
// process: the bytes that live for each, what a collection of garbage takes and
// how long it stops the world, and how long a session that comes waits while
// routers are told of all of them. The sessions are those of package session,
// parked, with tokens as they are, and registered with a real edge link; under them is
// a transport in memory, for the machine has not that many sockets.
//
//	HAWSER_MILLION=1000000 go test -v -timeout 20m ./gateway/node/milliontest
//
// HAWSER_MILLION_TLS=1 puts a tls.Conn under each, after a handshake: then the
// sessions take four times the memory, and minutes to be made.
package milliontest
