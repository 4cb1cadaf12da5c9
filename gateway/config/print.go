package config

import (
	_ "embed" // for the example

	"go.yaml.in/yaml/v4"
)

//go:embed example.yaml
var example string

// Example returns a complete file with every field and a comment on each.
func Example() string { return example }

// Effective returns the configuration as it takes effect, in YAML: defaults
// and the environment are in, sections of roles that the process does not
// have are out, and a secret is shown as "(from file PATH)".
func (c *Config) Effective() ([]byte, error) {
	shown := *c
	if !c.Has(RoleEdge) {
		shown.Edge, shown.NATS.Users.Edge = Edge{}, NATSUser{}
	}
	if !c.Has(RoleRouter) {
		shown.Router, shown.NATS.Users.Router = Router{}, NATSUser{}
	}
	if !c.Has(RolePush) {
		shown.Push, shown.NATS.Users.Push = Push{}, NATSUser{}
	}
	return yaml.Dump(shown)
}
