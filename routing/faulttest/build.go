package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// The packages of the programs that the fleet runs. They are built from the
// module: the NATS server is the very version that hawser is built against.
const (
	hawserPackage = "github.com/hawser-edge/hawser/gateway"
	natsPackage   = "github.com/nats-io/nats-server/v2"
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
	if err := build(ctx, p.hawser, hawserPackage); err != nil {
		return err
	}
	if p.edge != "" {
		if err := build(ctx, p.edge, "-tags=sabotage", hawserPackage); err != nil {
			return err
		}
	}
	return build(ctx, p.nats, natsPackage)
}

func build(ctx context.Context, path string, what ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-buildvcs=false", "-o", path}, what...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s (run this within the module): %w: %.2000s", what[len(what)-1], err, out)
	}
	return nil
}
