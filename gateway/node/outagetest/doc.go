// Package outagetest holds the tests of long outages under many connections,
// with real processes: NATS gone, and an edge cut off from it. They take
// minutes:
//
//	HAWSER_FAULTS=1 go test -v ./gateway/node/outagetest
//
// HAWSER_OUTAGE_DEVICES is how many devices are connected, 2,000 unless
// given; 10,000 need 10,500 file descriptors in each of two processes.
// HAWSER_OUTAGE is how long the outage lasts, 50s unless given.
package outagetest
