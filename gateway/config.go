package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hawser-edge/hawser/gateway/config"
)

// runConfig is a command with commands of its own: check, example and nats.
func runConfig(ctx context.Context, c *console, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "check":
			return configCheck(c, args[1:])
		case "example":
			return configExample(c, args[1:])
		case "nats":
			return configNATS(ctx, c, args[1:])
		case "-h", "-help", "--help":
			c.printf("Usage: %s config check FILE\n       %s config example\n       %s config nats FILE...\n\n", c.self, c.self, c.self)
			c.printf("check says everything that is wrong with a configuration, or prints it as it\n" +
				"takes effect. example prints a file with every field explained. nats prints what\n" +
				"the NATS servers must know of the processes' users; its flags: config nats --help\n")
			return nil
		}
	}
	return usagef("say what to do: %s config check FILE, %s config example, or %s config nats FILE...", c.self, c.self, c.self)
}

func configCheck(c *console, args []string) error {
	f := newFlags(c, "config check", "config check FILE",
		"Reads the file as serve does, with the HAWSER_ variables of the environment.\n"+
			"Prints the configuration as it takes effect, or everything that is wrong.")
	if err := f.parse(args, "FILE"); err != nil {
		return err
	}
	for _, slip := range config.EnvSlips(c.environ) {
		c.hintf("%s\n", slip)
	}
	cfg, err := loadConfig(c, f.Arg(0))
	if err != nil {
		return err
	}
	text, err := cfg.Effective()
	if err != nil {
		return err
	}
	c.printf("%s", text)
	return nil
}

// loadConfig reads the configuration of a process as the environment changes it.
func loadConfig(c *console, file string) (*config.Config, error) {
	cfg, err := config.Load(file, c.environ)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s config example prints one to begin with", err, c.self)
	}
	return cfg, err
}

func configExample(c *console, args []string) error {
	f := newFlags(c, "config example", "config example", "Prints a configuration with every field explained.")
	if err := f.parse(args); err != nil {
		return err
	}
	c.printf("%s", config.Example())
	return nil
}
