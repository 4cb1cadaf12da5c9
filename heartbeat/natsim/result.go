package natsim

import "github.com/hawser-edge/hawser/heartbeat"

// samples is how often, in seconds, the intervals are compared with the truth.
const samples = 300.0

// Day is what a day cost, in the mean of the honest devices.
type Day struct {
	Beats       float64 `json:"beats"`                // radio wake-ups: the device's beats and the edge's probes that arrived
	Probes      float64 `json:"probes"`               // that the edge sent
	DeadS       float64 `json:"dead_s"`               // seconds in which the edge could not have reached the device, coverage apart
	Dead        float64 `json:"dead_share"`           // of the day
	EvictedS    float64 `json:"dead_evicted_s"`       // of DeadS, where the network forgot a connection before any timeout
	AwayS       float64 `json:"dead_away_s"`          // of DeadS, where it did so while there was no coverage, until the device was connected anew
	FloorS      float64 `json:"dead_floor_s"`         // of DeadS, what no interval prevents: EvictedS and AwayS
	AvoidableS  float64 `json:"dead_avoidable_s"`     // of DeadS, the rest: silences beyond the timeout
	BeyondS     float64 `json:"dead_beyond_oracle_s"` // DeadS less the oracle's
	Late        float64 `json:"late_share"`           // of the notifies, that found the connection dead
	Notifies    float64 `json:"notifies"`             // that were sent while there was coverage
	Reconnects  float64 `json:"reconnects"`           // of any cause
	EnergyJ     float64 `json:"energy_j"`             // of beats and reconnects
	BeatsRatio  float64 `json:"beats_to_oracle"`
	EnergyRatio float64 `json:"energy_to_oracle"`
	Good        float64 `json:"good_share"`   // of samples: the interval is between 0.7 of the best and the timeout
	Unsafe      float64 `json:"unsafe_share"` // of samples: the interval is beyond the timeout
}

// Sample is the state of all at one time.
type Sample struct {
	AtS    float64 `json:"at_s"`
	Good   float64 `json:"good_share"`
	Unsafe float64 `json:"unsafe_share"`
}

// Result is one run.
type Result struct {
	Policy  string           `json:"policy"`
	Days    []Day            `json:"days"`
	Samples []Sample         `json:"samples,omitempty"`
	Engine  *heartbeat.Stats `json:"engine,omitempty"`

	honest  float64
	sampled []float64 // a day
}

func newResult(s *sim) *Result {
	r := &Result{Days: make([]Day, s.w.Days), sampled: make([]float64, s.w.Days)}
	for i := range s.devices {
		if !s.devices[i].hostile {
			r.honest++
		}
	}
	return r
}

func (r *Result) on(d *device, at float64) *Day {
	i := int(at / day)
	if d.hostile || i >= len(r.Days) {
		return &Day{}
	}
	return &r.Days[i]
}

// joules is the energy of a cold beat.
var joules = map[heartbeat.Radio]float64{
	heartbeat.WiFi: 0.05, heartbeat.Wired: 0, heartbeat.Cell2G: 2.3, heartbeat.Cell3G: 7.4, heartbeat.Cell4G: 12.6, heartbeat.Cell5G: 9,
}

func (r *Result) beat(d *device, at float64) {
	t := r.on(d, at)
	t.Beats++
	t.EnergyJ += joules[d.at.path.Radio]
}

func (r *Result) probe(d *device, at float64) { r.on(d, at).Probes++ }

func (r *Result) reconnected(d *device, at float64) {
	t := r.on(d, at)
	t.Reconnects++
	t.EnergyJ += 2 * joules[d.at.path.Radio]
}

func (r *Result) notify(d *device, at float64, late bool) {
	t := r.on(d, at)
	t.Notifies++
	if late {
		t.Late++
	}
}

// dead counts a span that may reach over midnight.
func (r *Result) dead(d *device, from, to float64) {
	for from < to {
		midnight := min((float64(int(from/day))+1)*day, to)
		t := r.on(d, from)
		t.DeadS += midnight - from
		switch {
		case d.mapped < d.back:
			t.AwayS += midnight - from
		case d.evicted:
			t.EvictedS += midnight - from
		}
		from = midnight
	}
}

func (r *Result) sample(s *sim, at float64) {
	i := min(int(at/day), len(r.Days)-1)
	n, good, unsafe := 0.0, 0.0, 0.0
	for j := range s.devices {
		d := &s.devices[j]
		if d.hostile || d.inFront || !d.connected {
			continue
		}
		n++
		timeout := d.timeout(at)
		best := min(timeout, heartbeat.Max.Seconds())
		silence := d.interval
		if d.plan.Probe > 0 {
			silence = d.plan.Probe.Seconds()
		}
		switch {
		case silence > timeout:
			unsafe++
		case silence >= 0.7*best:
			good++
		}
	}
	if n == 0 {
		return
	}
	r.Samples = append(r.Samples, Sample{at, good / n, unsafe / n})
	r.Days[i].Good += good / n
	r.Days[i].Unsafe += unsafe / n
	r.sampled[i]++
}

// finish makes means of sums.
func (r *Result) finish() {
	for i := range r.Days {
		t := &r.Days[i]
		if t.Notifies > 0 {
			t.Late /= t.Notifies
		}
		for _, sum := range []*float64{&t.Beats, &t.Probes, &t.DeadS, &t.EvictedS, &t.AwayS, &t.Notifies, &t.Reconnects, &t.EnergyJ} {
			*sum /= max(r.honest, 1)
		}
		t.Dead = t.DeadS / day
		t.split()
		t.Good /= max(r.sampled[i], 1)
		t.Unsafe /= max(r.sampled[i], 1)
	}
}
