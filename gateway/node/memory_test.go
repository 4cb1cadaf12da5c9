package node

import (
	"log/slog"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// A node that has the process to itself collects as an edge in calm does, and
// leaves the process as it was. One among others leaves it alone.
func TestMemoryOfTheProcess(t *testing.T) {
	t.Setenv("GOGC", "")
	before := gogc()
	for _, c := range []struct {
		name   string
		create func(*config.Config, *slog.Logger) (*Node, error)
		want   uint64
	}{{"among others", New, before}, {"alone", NewAlone, 10}} {
		t.Run(c.name, func(t *testing.T) {
			spec := devmode.Node{Name: "edge-1", Roles: []string{"edge"}, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0"}
			n, err := c.create(configOf(t, spec, "nats://127.0.0.1:1"), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			stop := running(t, n)
			for end := time.Now().Add(time.Minute); gogc() != c.want && time.Now().Before(end); {
				time.Sleep(10 * time.Millisecond)
			}
			if got := gogc(); got != c.want {
				t.Errorf("GOGC is %d instead of %d", got, c.want)
			}
			stop()
			if got := gogc(); got != before {
				t.Errorf("left behind: GOGC %d instead of %d", got, before)
			}
		})
	}
}

// gogc is what the collector works with.
func gogc() uint64 {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
