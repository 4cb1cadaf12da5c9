package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node"
)

// runServe runs the roles that a configuration names until it is told to
// stop.
func runServe(ctx context.Context, c *console, args []string) error {
	f := newFlags(c, "serve", "serve --config FILE",
		"Runs the roles edge, router and push, in any combination, against NATS servers\nof your own. The first SIGTERM or Ctrl-C drains, the second one ends at once.")
	file := f.String("config", "", "`FILE` with the configuration. Required")
	if err := f.parse(args); err != nil {
		return err
	}
	if *file == "" {
		return usagef("--config is missing: %s config example prints one to begin with", c.self)
	}
	cfg, err := config.Load(*file, c.environ)
	if err != nil {
		return err
	}
	n, err := node.New(cfg, newLog(c, cfg))
	if err != nil {
		return fmt.Errorf("start %s: %w", cfg.Name, err)
	}
	return n.Run(ctx)
}

// newLog logs JSON lines to standard error.
func newLog(c *console, cfg *config.Config) *slog.Logger {
	var level slog.Level
	// The configuration was validated: the text is one of slog's.
	_ = level.UnmarshalText([]byte(cfg.Log.Level))
	return slog.New(slog.NewJSONHandler(c.stderr, &slog.HandlerOptions{Level: level}))
}
