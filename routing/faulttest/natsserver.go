package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/natsconf"
)

// writeNATSConfig writes the configuration of a NATS server of its own, with
// the permissions of the fleet's users.
func writeNATSConfig(env *devmode.Environment, addr string) (string, error) {
	users, err := natsconf.Whole(env.Users())
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf(`listen: %q
server_name: nats-1
jetstream {
  store_dir: %q
  max_memory_store: 256MB
  max_file_store: 64GB
}
%s%s`, addr, env.Path("nats"), natsconf.Server(), users)
	path := env.Path("nats-server.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write the configuration of the NATS server: %w", err)
	}
	return path, nil
}

// connectNATS connects as one of the fleet's users, and waits until the
// server is there. The caller closes the connection.
func connectNATS(ctx context.Context, env *devmode.Environment, role routing.Role, label string) (*nats.Conn, error) {
	var nc *nats.Conn
	err := devmode.Until(ctx, func() (err error) {
		nc, err = env.ConnectNATS(role, label, nats.Name("faulttest"),
			nats.ReconnectWait(100*time.Millisecond), nats.ReconnectBufSize(-1))
		return err
	})
	return nc, err
}

// pause waits and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
