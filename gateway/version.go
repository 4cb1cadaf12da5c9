package main

import (
	"context"

	"github.com/hawser-edge/hawser/gateway/admin"
)

// versionResult is what version --json prints.
type versionResult struct {
	Schema string `json:"schema"`
	admin.Version
}

// runVersion prints what was built, from what, with what.
func runVersion(_ context.Context, c *console, args []string) error {
	f := newFlags(c, "version", "version [--json]", "Prints the version of this program.")
	asJSON := f.Bool("json", false, "print JSON, schema hawser.version/1")
	if err := f.parse(args); err != nil {
		return err
	}
	v := admin.ReadVersion()
	if *asJSON {
		return c.json(versionResult{"hawser.version/1", v})
	}
	c.printf("hawser %s\n", v)
	return nil
}
