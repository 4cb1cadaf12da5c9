// Package heartbeat decides how long a connection may stay silent.
//
// Too long, and a NAT between device and edge forgets the connection; too
// short, and the device's radio wakes for nothing. The server decides, since
// only it sees many devices on one network: it hands out an interval with
// Welcome and a new one with every Pong. The device sends Ping once it has
// been silent for that long. Any frame, either way, starts the interval anew.
//
// An answered Ping does not prove that the way down was open before it: the
// device's own packet makes a new mapping, and the answer comes back through
// that. Only something the edge sent after a silence tests that silence.
//
// The package is pure: callers pass the time and the randomness, and no method
// blocks. It imports nothing of hawser.
package heartbeat
