package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/hawser-edge/hawser/gateway/node"
)

// runServe runs the roles that a configuration names until it is told to
// stop.
func runServe(ctx context.Context, c *console, args []string) error {
	f := newFlags(c, "serve", "serve --config FILE",
		"Runs the roles edge, router and push, in any combination, against NATS servers\n"+
			"of your own. The first SIGTERM or Ctrl-C drains, the second one ends at once.\n"+
			"Certificates, keys of tokens, push credentials and NATS passwords are read anew\n"+
			"when their files change; for the rest of the configuration, restart. SIGHUP does\n"+
			"nothing.")
	file := f.String("config", "", "`FILE` with the configuration. Required")
	if err := f.parse(args); err != nil {
		return err
	}
	if *file == "" {
		return usagef("--config is missing: %s config example prints one to begin with", c.self)
	}
	cfg, err := loadConfig(c, *file)
	if err != nil {
		return err
	}
	var level slog.Level
	// The configuration was validated: the text is one of slog's.
	_ = level.UnmarshalText([]byte(cfg.Log.Level))
	log := newLog(c, level)
	n, err := node.NewAlone(cfg, log)
	if err != nil {
		return fmt.Errorf("start %s: %w", cfg.Name, err)
	}
	defer ignoreHangups(log.With("node", cfg.Name))()
	return n.Run(ctx)
}

// ignoreHangups keeps SIGHUP from ending the process and every connection
// that it holds: many send it to have files read anew, which needs no signal
// here. The caller calls stop at the end.
func ignoreHangups(log *slog.Logger) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	var running sync.WaitGroup
	running.Go(func() {
		for range hangups {
			log.Info("SIGHUP: nothing to do; changed certificates, token keys and NATS passwords are read by themselves, the rest needs a restart")
		}
	})
	return func() {
		signal.Stop(hangups)
		close(hangups)
		running.Wait()
	}
}
