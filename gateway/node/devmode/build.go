package devmode

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
)

// The packages of the programs that fleets of processes run. They are built
// from the module: the NATS server is the very version that hawser is built
// against.
const (
	HawserPackage = "github.com/hawser-edge/hawser/gateway"
	NATSPackage   = "github.com/nats-io/nats-server/v2"
)

// Build compiles a package to the executable path, with the flags of go build.
// It must be called within the module.
func Build(ctx context.Context, path, pkg string, flags ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-o", path}, flags...)
	if out, err := exec.CommandContext(ctx, "go", append(args, pkg)...).CombinedOutput(); err != nil {
		return fmt.Errorf("build %s (run this within the module): %w: %.2000s", pkg, err, bytes.TrimSpace(out))
	}
	return nil
}
