package node

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/config"
)

// isolated is an island whose surroundings the test decides on.
type isolated struct {
	cut, better atomic.Bool
	// leaving is 1 while devices are asked; left counts the times.
	leaving, left, probes atomic.Int64
}

func inIsland(t *testing.T, sites []string, test func(*isolated)) {
	synctest.Test(t, func(t *testing.T) {
		w := &isolated{}
		i := &island{
			cfg:    config.Island{Max: time.Minute, Spread: time.Minute, OtherSites: sites},
			log:    slog.New(slog.DiscardHandler),
			cutOff: w.cut.Load, moved: make(chan int, 1),
			sentAway: prometheus.NewCounter(prometheus.CounterOpts{Name: "sent"}),
			probe: func(context.Context, string) error {
				w.probes.Add(1)
				if w.better.Load() {
					return nil
				}
				return errors.New("no")
			},
			evacuate: func(ctx context.Context, _ time.Duration) int {
				w.left.Add(1)
				w.leaving.Store(1)
				<-ctx.Done()
				w.leaving.Store(0)
				return 5
			},
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); _ = i.run(ctx) }()
		defer func() { cancel(); <-done }()
		test(w)
	})
}

// after lets time pass and tells whether devices are asked to leave then.
func (w *isolated) after(d time.Duration) bool {
	time.Sleep(d)
	synctest.Wait()
	return w.leaving.Load() == 1
}

func TestIslandEnds(t *testing.T) {
	inIsland(t, []string{"a:1", "b:1"}, func(w *isolated) {
		w.better.Store(true)
		if w.after(time.Hour) || w.probes.Load() != 0 {
			t.Error("left, or asked others, without being cut off")
		}
		w.cut.Store(true)
		if w.after(44 * time.Second) {
			t.Error("left before three quarters of max")
		}
		if !w.after(33 * time.Second) {
			t.Error("stayed after five quarters of max")
		}
		// NATS comes back in the midst of it, and goes again.
		w.cut.Store(false)
		if w.after(2 * time.Second) {
			t.Error("goes on leaving with NATS there")
		}
		w.cut.Store(true)
		if w.after(44 * time.Second) {
			t.Error("the second time counted from the first")
		}
		if !w.after(33*time.Second) || w.left.Load() != 2 {
			t.Errorf("left %d times, want twice", w.left.Load())
		}
	})
}

func TestIslandStaysWhereNobodyIsBetterOff(t *testing.T) {
	inIsland(t, []string{"a:1"}, func(w *isolated) {
		w.cut.Store(true)
		if w.after(time.Hour) {
			t.Error("left for a site that is no better off")
		}
		w.better.Store(true)
		if !w.after(6 * time.Second) {
			t.Error("stayed though another site is better off")
		}
		w.better.Store(false)
		if w.after(6 * time.Second) {
			t.Error("goes on leaving for a site that is gone")
		}
	})
	inIsland(t, nil, func(w *isolated) {
		w.cut.Store(true)
		if w.after(24 * time.Hour) {
			t.Error("left without knowing where to")
		}
	})
}
