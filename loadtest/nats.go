package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// natsSpec is what the process of NATS is told, in a file that only its owner
// can read.
type natsSpec struct {
	// Dir holds the files of JetStream, Port is NATS's.
	Dir  string
	Port int
	// Users of NATS with their passwords.
	Users []routing.User
}

// runNATS runs NATS until it is told to end.
func runNATS(args []string) int {
	signal.Ignore(os.Interrupt) // Ctrl-C on a terminal reaches the whole group: the parent decides
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := natsUntil(ctx, args); err != nil {
		fmt.Fprintln(os.Stderr, "loadtest nats:", err)
		return exitFailed
	}
	return exitOK
}

func natsUntil(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d arguments instead of one", len(args))
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var spec natsSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	nats, err := embednats.Start(embednats.Options{Dir: spec.Dir, Port: spec.Port, Users: spec.Users})
	if err != nil {
		return err
	}
	defer nats.Shutdown()
	<-ctx.Done()
	return nil
}
