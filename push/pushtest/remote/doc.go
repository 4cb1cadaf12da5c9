// Package remote runs the simulators of pushtest as a process of their own, so
// that they outlive the one under test, and steers and reads them over HTTP.
//
// A harness starts the program pushsim, or itself with Run, reads one line of
// JSON from its standard output (State) and makes a Client of it. Everything is
// on loopback, and nobody has to prove who he is: it is for tests.
package remote
