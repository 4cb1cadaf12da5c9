// Package node assembles the roles that a configuration names into one
// running process: it opens the NATS connections, one a role, joins session,
// routing and push, which know nothing of one another, and serves health and
// metrics. It holds no logic of its own beyond that.
package node
