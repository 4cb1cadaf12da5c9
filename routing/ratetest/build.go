package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// The packages of the programs that are measured. They are built from the
// module: the NATS server is the very version that hawser is built against.
const (
	hawserPackage = "github.com/hawser-edge/hawser/gateway"
	natsPackage   = "github.com/nats-io/nats-server/v2"
)

// programs are the paths of the executables.
type programs struct{ hawser, nats string }

// buildPrograms compiles both into dir. It must be called within the module.
func buildPrograms(ctx context.Context, dir string) (programs, error) {
	p := programs{hawser: filepath.Join(dir, "hawser"), nats: filepath.Join(dir, "nats-server")}
	for path, pkg := range map[string]string{p.hawser: hawserPackage, p.nats: natsPackage} {
		cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", path, pkg)
		if out, err := cmd.CombinedOutput(); err != nil {
			return p, fmt.Errorf("build %s (run this within the module): %w: %.2000s", pkg, err, out)
		}
	}
	return p, nil
}
