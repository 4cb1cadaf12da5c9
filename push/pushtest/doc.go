// Package pushtest simulates the platforms' push services on loopback, for
// tests, the demo and development.
//
// Both simulators speak the real protocols over real TLS, check what the real
// services check (credentials, paths, headers, sizes, JSON) and answer with
// their statuses, reasons and bodies. They issue the credentials that the code
// under test needs, keep a log of what they accepted, and model what a device
// shows: one notification per token and collapse id.
//
// Faults are scripted: invalid tokens, a row of prepared answers, delays, a
// service that takes requests and never answers, a network that carries
// nothing.
//
// The package imports nothing else of this module, so that it cannot share a
// mistake with the code it tests.
package pushtest
