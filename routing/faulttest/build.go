package main

import (
	"context"
	"path/filepath"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// programs are the paths of the executables.
type programs struct {
	hawser, nats string
	// edge is what edges run where their clock is to be set; empty: hawser.
	edge string
}

// programsIn are those that buildPrograms leaves in a folder.
func programsIn(dir string, wrongClocks bool) programs {
	p := programs{hawser: filepath.Join(dir, "hawser"), nats: filepath.Join(dir, "nats-server")}
	if wrongClocks {
		p.edge = filepath.Join(dir, "hawser-sabotage")
	}
	return p
}

// buildPrograms compiles them into dir. It must be called within the module.
func buildPrograms(ctx context.Context, dir string, wrongClocks bool) error {
	p := programsIn(dir, wrongClocks)
	if err := devmode.Build(ctx, p.hawser, devmode.HawserPackage); err != nil {
		return err
	}
	if p.edge != "" {
		if err := devmode.Build(ctx, p.edge, devmode.HawserPackage, "-tags=sabotage"); err != nil {
			return err
		}
	}
	return devmode.Build(ctx, p.nats, devmode.NATSPackage)
}
