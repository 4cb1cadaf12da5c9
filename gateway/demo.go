package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/hawser-edge/hawser/gateway/demo"
)

var errDemo = errors.New("the demo did not hold: see above")

// runDemo tells the whole story on this machine and checks it.
func runDemo(ctx context.Context, c *console, args []string) error {
	f := newFlags(c, "demo", "demo [--json]",
		"Runs a whole fleet on free loopback ports, tells its story step by step and\nchecks every step. The exit code is 0 only if every step held.")
	asJSON := f.Bool("json", false, "print one JSON object at the end, schema "+demo.Schema)
	if err := f.parse(args); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	report, err := demo.Run(ctx, demo.Options{
		Program: program, JSON: *asJSON, Out: c.stdout,
		Next: []string{c.self + " dev", "go test ./..."},
	})
	if err != nil {
		return err
	}
	if !report.OK {
		return errDemo
	}
	return nil
}
