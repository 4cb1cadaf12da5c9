// Package orderspb is the protocol of the example: messages, and the interface
// that answers devices.
package orderspb
