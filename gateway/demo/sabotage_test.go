//go:build sabotage

package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/demo"
)

// TestSabotageIsNoticed runs the demo in a build with planted faults: a demo
// that cannot fail would show nothing.
func TestSabotageIsNoticed(t *testing.T) {
	program := filepath.Join(t.TempDir(), "hawser")
	build := exec.Command("go", "build", "-tags", "sabotage", "-o", program, "github.com/hawser-edge/hawser/gateway")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	for _, fault := range []struct {
		name string
		// step is the beginning of the name of the step that must fail.
		step string
	}{
		{"drop-ack", "A's phone stops reading"},
		{"drop-push", "Users B (APNs) and C (FCM) are away"},
		{"drop-batch", "Three events"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			report, code := run(t, program, fault.name)
			if report.OK || code != 1 {
				t.Fatalf("the demo says ok %v with exit code %d", report.OK, code)
			}
			if failed := firstFailure(report); !strings.HasPrefix(failed, fault.step) {
				t.Errorf("the step %q failed, want %q", failed, fault.step)
			}
			_ = os.RemoveAll(report.Logs) // kept for people, not for tests
		})
	}
}

// run runs the demo with a planted fault.
func run(t *testing.T, program, fault string) (demo.Report, int) {
	t.Helper()
	// More than the limits of all steps together: on a slow machine, too, it is
	// the demo that says what failed.
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "demo", "--json")
	cmd.Env = append(os.Environ(), "HAWSER_SABOTAGE="+fault)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var r demo.Report
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&r); err != nil {
		t.Fatalf("the demo printed %.300q: %v", out, err)
	}
	return r, cmd.ProcessState.ExitCode()
}

func firstFailure(r demo.Report) string {
	for _, s := range r.Steps {
		if !s.OK {
			return s.Name
		}
	}
	return ""
}
