package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// coreSpec is what the process behind the edges is told, in a file that only
// its owner can read.
type coreSpec struct {
	// Dir holds the files of JetStream, Port is NATS's.
	Dir  string
	Port int
	// Users of NATS with their passwords.
	Users []routing.User
	// Config is the file of the router and the push worker.
	Config string
}

// runCore runs NATS, a router and a push worker in one process, until it is
// told to end.
func runCore(args []string) int {
	signal.Ignore(os.Interrupt) // Ctrl-C on a terminal reaches the whole group: the parent decides
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := core(ctx, args); err != nil {
		fmt.Fprintln(os.Stderr, "loadtest core:", err)
		return exitFailed
	}
	return exitOK
}

func core(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d arguments instead of one", len(args))
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var spec coreSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	nats, err := embednats.Start(embednats.Options{Dir: spec.Dir, Port: spec.Port, Users: spec.Users})
	if err != nil {
		return err
	}
	defer nats.Shutdown()
	cfg, err := config.Load(spec.Config, nil)
	if err != nil {
		return err
	}
	n, err := node.New(cfg, slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	return n.Run(ctx)
}
