// Package pushtest simulates the platforms' push services on loopback, for
// tests, the demo and development.
//
// Both simulators speak the real protocols over real TLS, HTTP/2 frame by frame,
// check what the real services check (credentials, connections, paths, headers,
// sizes, JSON, quotas) and answer with their statuses, reasons and bodies. They
// issue the credentials that the code under test needs, log every request with
// what became of it, and model the devices: what the service stores for one
// that is offline, what a user sees, and what he sees twice.
//
// Faults are scripted: invalid tokens, a row of prepared answers, streams that
// are refused or reset before or after the notification was taken, farewells,
// delays, a service that takes requests and never answers, a network that
// carries nothing.
//
// Package remote runs both as a process of their own. The packages import
// nothing else of this module, so that they cannot share a mistake with the code
// that they test.
package pushtest
