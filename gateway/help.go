package main

import (
	"context"
	"maps"
	"slices"
)

// runHelp lists the commands, or prints the usage of one.
func runHelp(ctx context.Context, c *console, args []string) error {
	if len(args) > 0 && args[0] != "help" {
		cmd, ok := commands()[args[0]]
		if !ok {
			return unknown(c, args[0])
		}
		// Words of a command that has commands of its own come before.
		return cmd.run(ctx, c, append(slices.Clone(args[1:]), "--help"))
	}
	c.printf("Usage: %s COMMAND [flags]\n\nCommands:\n", c.self)
	all := commands()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		c.printf("  %-9s %s\n", name, all[name].about)
	}
	c.printf("\nFlags of a command: %s help COMMAND\n", c.self)
	c.printf("Exit codes: 0 done, 1 failed, 2 wrong usage, 3 cannot reach\n")
	return nil
}
