package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/hawser-edge/hawser/gateway/config"
)

// command is one subcommand. Each stands in a small file of its own.
type command struct {
	// about is one line for the list of commands, without a full stop.
	about string
	// run does it. args are what follows the name.
	run func(ctx context.Context, c *console, args []string) error
}

// commands is the table of subcommands by name.
func commands() map[string]command {
	return map[string]command{
		"connect": {"be a device: connect, and print what is new", runConnect},
		"config":  {"check a configuration, print an example, or what NATS must know", runConfig},
		"demo":    {"run the whole story on this machine and check it", runDemo},
		"dev":     {"run everything in one process, and print what to type next", runDev},
		"doctor":  {"ask a running process whether it can work, and what is wrong", runDoctor},
		"notify":  {"tell a user's devices that there is something new", runNotify},
		"push":    {"show pushes that wait or were given up, and try a credential", runPush},
		"serve":   {"run the roles of a configuration", runServe},
		"token":   {"mint a device token, or a key that signs them", runToken},
		"version": {"print the version of this program", runVersion},
	}
}

// run runs the program: args[0] names the command.
func run(ctx context.Context, c *console, args []string) exit {
	name, args := commandName(args)
	if name == "help" {
		return report(c, name, runHelp(ctx, c, args))
	}
	cmd, ok := commands()[name]
	if !ok {
		return report(c, "", unknown(c, name))
	}
	return report(c, name, cmd.run(ctx, c, args))
}

func commandName(args []string) (string, []string) {
	if len(args) == 0 {
		return "", nil
	}
	switch args[0] {
	case "-h", "-help", "--help":
		return "help", args[1:]
	case "-version", "--version":
		return "version", args[1:]
	}
	return args[0], args[1:]
}

func unknown(c *console, name string) error {
	if name == "" {
		return usagef("a command is missing. For the list: %s help", c.self)
	}
	known := append(slices.Sorted(maps.Keys(commands())), "help")
	if near := config.Nearest(name, known); near != "" {
		return usagef("there is no command %.64q: did you mean %s? For the list: %s help", name, near, c.self)
	}
	return usagef("there is no command %.64q. For the list: %s help", name, c.self)
}

// report prints an error in the way every command has and returns its code.
func report(c *console, name string, err error) exit {
	var wrong *config.Error
	switch {
	case err == nil || errors.Is(err, errHelp):
	case errors.As(err, &wrong):
		// Its lines begin with file and line, as editors like them.
		c.hintf("%v\n", wrong)
	default:
		c.hintf("%s: %v\n", strings.TrimSpace("hawser "+name), err)
	}
	return exitCode(err)
}
