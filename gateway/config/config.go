// Package config is the one typed description of a hawser process: what the
// file says, what the environment changes, and what both default to.
//
// The file is YAML and read strictly: a field that does not exist, a field
// given twice and a value of the wrong shape are refused. Every problem is
// reported with its field, its line and what to do, and all of them at once.
//
// Every field that holds a single value or a list of single values can be set
// from the environment: HAWSER_ and the field's path in capitals, with _
// for each dot, so that edge.tls.cert_file is HAWSER_EDGE_TLS_CERT_FILE. Lists
// are separated by commas. An empty variable counts as not set. The field
// version and whatever lies inside tenants and push.apps stand in the file
// only.
//
// A secret is never a value of a field: a field names the file that holds it.
// Relative paths count from the directory of the configuration file, those
// from the environment too.
package config

import (
	"slices"
	"time"
)

// Version is the only value the field version may have.
const Version = 1

// Config is the whole of a configuration. Sections of roles that the process
// does not have may be left out and are not looked at.
type Config struct {
	// Version of this format. Always 1, and always given.
	Version int `yaml:"version"`
	// Name of this process, unique in the fleet: [A-Za-z0-9_-]{1,64}.
	// Required.
	Name string `yaml:"name"`
	// Site is where the process stands, for placement and metrics. The same
	// grammar as Name. Empty: "local".
	Site string `yaml:"site"`
	// Roles are what this process does: edge, router, push, in any
	// combination. At least one.
	Roles []Role `yaml:"roles"`
	// Log says what is logged.
	Log Log `yaml:"log"`
	// NATS says how the engine behind hawser is reached. Every role needs it.
	NATS NATS `yaml:"nats"`
	// Edge is the section of the role edge.
	Edge Edge `yaml:"edge,omitempty"`
	// Router is the section of the role router.
	Router Router `yaml:"router,omitempty"`
	// Push is the section of the role push.
	Push Push `yaml:"push,omitempty"`
	// Tenants are the backends that are served. At least one, the same list
	// for every process of a fleet.
	Tenants []Tenant `yaml:"tenants"`
	// Admin is the HTTP of operators.
	Admin Admin `yaml:"admin"`
}

// Role is a part that a process plays.
type Role string

// The roles.
const (
	// RoleEdge holds the connections of devices.
	RoleEdge Role = "edge"
	// RoleRouter takes events from backends and finds the devices.
	RoleRouter Role = "router"
	// RolePush reaches away devices through APNs and FCM.
	RolePush Role = "push"
)

func allRoles() []Role { return []Role{RoleEdge, RoleRouter, RolePush} }

// Has tells whether the process plays role.
func (c *Config) Has(role Role) bool { return slices.Contains(c.Roles, role) }

// Log is the section log. Logs are JSON lines on standard error.
type Log struct {
	// Level is the least important level that is logged: debug, info, warn
	// or error. Empty: info.
	Level string `yaml:"level"`
}

// Admin is the section admin: health, metrics and version over plain HTTP,
// read-only and without a login.
type Admin struct {
	// Listen is a TCP address, host:port; port 0 takes a free one. Empty:
	// 127.0.0.1:7490. Leave the loopback only where the network is trusted.
	Listen string `yaml:"listen"`
	// Debug adds the profiles of net/http/pprof and a page that collects the
	// garbage: for those who measure. Empty: neither is there.
	Debug bool `yaml:"debug"`
}

// SetDefaults fills every field that is zero and has a default. Load has
// done it already; it is for configurations that are made in code.
func (c *Config) SetDefaults() {
	orDefault(&c.Site, "local")
	orDefault(&c.Log.Level, "info")
	orDefault(&c.Admin.Listen, "127.0.0.1:7490")
	c.NATS.setDefaults(c.Name)
	c.Edge.setDefaults()
	c.Router.setDefaults()
	c.Push.setDefaults()
	for i := range c.Tenants {
		c.Tenants[i].setDefaults()
	}
}

func orDefault[T comparable](field *T, def T) {
	var zero T
	if *field == zero {
		*field = def
	}
}

func (c *Config) check(k *checker) {
	if c.Version != Version {
		k.addf("version", "must be %d: begin the file with the line version: %d", Version, Version)
	}
	k.id("name", c.Name)
	k.id("site", c.Site)
	k.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.listen("admin.listen", c.Admin.Listen)
	c.checkRoles(k)
	c.NATS.check(k, c.Roles)
	if c.Has(RoleEdge) {
		c.Edge.check(k)
	}
	if c.Has(RoleRouter) {
		c.Router.check(k, c.Tenants)
	}
	if c.Has(RolePush) {
		c.Push.check(k, c.Tenants)
	}
	checkTenants(k, c)
}

func (c *Config) checkRoles(k *checker) {
	if len(c.Roles) == 0 {
		k.addf("roles", "is required: list what this process does, for example [edge, router, push]")
	}
	seen := map[Role]bool{}
	for i, r := range c.Roles {
		path := index("roles", i)
		k.oneOf(path, string(r), string(RoleEdge), string(RoleRouter), string(RolePush))
		if seen[r] {
			k.addf(path, "names %s a second time: leave one", r)
		}
		seen[r] = true
	}
}

// bounds of durations that several sections share.
const (
	minWait = 100 * time.Millisecond
	maxWait = 10 * time.Minute
)
