// Package providertest drives a push.Provider in tests: by itself, and under a
// push.Worker as in production. The push service is one of the simulators of
// pushtest.
package providertest

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// patience is far above what any step takes.
const patience = time.Minute

// Simulator starts a simulator that ends with the test.
func Simulator[O any, S io.Closer](t *testing.T, start func(O) (S, error), opts O) S {
	t.Helper()
	sim, err := start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Errorf("closing the simulator: %v", err)
		}
	})
	return sim
}

// Send makes one attempt.
func Send(t *testing.T, p push.Provider, m push.Message) push.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience/2)
	defer cancel()
	return p.Send(ctx, m)
}

// Until waits for a condition.
func Until(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited too long")
		}
	}
}

// Only returns the one notification that a simulator accepted.
func Only(t *testing.T, got []pushtest.Notification) pushtest.Notification {
	t.Helper()
	if len(got) != 1 {
		t.Fatalf("simulator accepted %d notifications, want 1", len(got))
	}
	return got[0]
}
