// Package sendtest takes push jobs the whole way: stored in a real NATS, given
// to a real worker, sent by the real senders, each in a process of its own. It
// shows that an application whose push service works is not slowed by others
// whose services do not. A short form runs with the tests; the figures want the
// machine for themselves:
//
//	HAWSER_PUSH_COST=1 go test -v ./gateway/node/sendtest
//
// HAWSER_PUSH_OTHERS=N has N new jobs a second come for each application in
// trouble, beside those that wait.
package sendtest
