package main

import (
	"context"
	"path/filepath"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// programs are the paths of the executables.
type programs struct{ hawser, nats string }

// buildPrograms compiles both into dir. It must be called within the module.
func buildPrograms(ctx context.Context, dir string) (programs, error) {
	p := programs{hawser: filepath.Join(dir, "hawser"), nats: filepath.Join(dir, "nats-server")}
	if err := devmode.Build(ctx, p.hawser, devmode.HawserPackage); err != nil {
		return p, err
	}
	return p, devmode.Build(ctx, p.nats, devmode.NATSPackage)
}
