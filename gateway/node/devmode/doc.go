// Package devmode makes everything that a fleet needs and a laptop lacks: a
// certificate authority, keys, secrets, an embedded NATS server with the
// permissions of the roles, simulators of APNs and FCM, and configuration
// files in the form that operators write. `hawser dev`, `hawser demo` and the
// tests stand on it, so that they run what an operator runs.
package devmode
