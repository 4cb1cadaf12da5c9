package dispatch

import (
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

func deviceID(device string) table.DeviceID { return table.ID("t", "u", device) }

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*rig)
		answer  func(*rig)
		want    []string
	}{
		"away":               {want: []string{"checked 1 AWAY"}},
		"covered":            {connected, func(r *rig) { r.acked(1, 5) }, []string{"notify 1 k 5", "checked 1 COVERED"}},
		"newer":              {connected, func(r *rig) { r.acked(1, 9) }, []string{"notify 1 k 5", "checked 1 COVERED"}},
		"inflight":           {connected, func(r *rig) { r.inFlight(1, 5) }, []string{"notify 1 k 5", "checked 1 IN_FLIGHT"}},
		"gone":               {connected, func(r *rig) { r.gone(1, 5) }, []string{"notify 1 k 5", "checked 1 AWAY"}},
		"gone, with a token": {connected, func(r *rig) { r.token("d"); r.gone(1, 5) }, []string{"notify 1 k 5", "checked 1 IN_FLIGHT"}},
		"silence":            {connected, func(*rig) {}, []string{"notify 1 k 5", "checked 1 UNSPECIFIED"}},
		"left":               {connected, func(r *rig) { r.disconnect(1) }, []string{"notify 1 k 5", "checked 1 AWAY"}},
		"background": {func(r *rig) { r.connect(1, "d", true) }, func(r *rig) { r.inFlight(1, 5) },
			[]string{"notify 1 k 5", "checked 1 DOUBTFUL"}},
		"doubtful": {doubtful, func(r *rig) { r.inFlight(1, 5) }, []string{"notify 1 k 5", "checked 1 DOUBTFUL"}},
		"moved":    {connected, func(r *rig) { r.connect(2, "d", false) }, []string{"notify 1 k 5", "checked 1 FETCHING"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{})
			if c.prepare != nil {
				c.prepare(r)
			}
			r.d.Check(1, deviceID("d"), "k", 5, routing.UrgencyNormal, r.now)
			if c.answer != nil {
				c.answer(r)
			}
			r.pass(600 * time.Millisecond)
			r.want(c.want...)
		})
	}
}

func connected(r *rig) { r.connect(1, "d", false) }

func doubtful(r *rig) {
	connected(r)
	r.event(1, urgency(routing.UrgencyHigh))
	r.inFlight(1, 1)
	r.pass(4 * time.Second)
	r.log = nil
}

func TestChecksAreBounded(t *testing.T) {
	r := newRig(t, Config{MaxChecks: 1})
	connected(r)
	r.d.Check(1, deviceID("d"), "k", 5, routing.UrgencyNormal, r.now)
	r.d.Check(2, deviceID("d"), "k", 5, routing.UrgencyNormal, r.now)
	r.want("notify 1 k 5", "checked 2 UNSPECIFIED")
}
