// Package hostiletest holds the test of peers that mean an edge harm: on real
// sockets, against an edge in a process of its own, while other devices go on
// being served. Each attack has to be counted by name, and to leave sessions,
// goroutines, descriptors and memory as they were.
//
// With HAWSER_FAULTS=1 there are 400 connections at once instead of 8:
//
//	HAWSER_FAULTS=1 go test -v ./gateway/node/hostiletest
package hostiletest
