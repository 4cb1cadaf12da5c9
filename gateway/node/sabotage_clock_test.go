//go:build sabotage

package node

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSabotagedClockFollowsItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	t.Setenv(sabotageClockEnv, file)
	now := wallClock()
	for _, step := range []struct {
		text string
		want time.Duration
	}{{"1h\n", time.Hour}, {"", 0}, {"-3s", -3 * time.Second}, {"nonsense", 0}} {
		if err := os.WriteFile(file, []byte(step.text), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * clockLook)
		if got := time.Until(now()); (got - step.want).Abs() > time.Second {
			t.Errorf("a file that says %q: the clock is off by %v, want %v", step.text, got, step.want)
		}
	}
	t.Setenv(sabotageClockEnv, "")
	if got := time.Until(wallClock()()); got.Abs() > time.Second {
		t.Errorf("without the file the clock is off by %v", got)
	}
}
