package natsim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/heartbeat"
)

// The policies that Run knows, beside "fixed:SECONDS".
const (
	Oracle = "oracle"
	Hawser = "hawser"
	Deaf   = "hawser without probes"
	Mars   = "mars"
)

// ErrPolicy is returned for a policy that nobody knows.
var ErrPolicy = errors.New("natsim: no such policy")

// Run lets a world of a seed pass under a policy. scale multiplies all of the
// world's timeouts.
func Run(w World, seed uint64, scale float64, name string) (*Result, error) {
	s := newSim(&w, seed, scale)
	var engine *heartbeat.Learner
	dice := rand.New(rand.NewPCG(seed, 2))
	switch seconds, isFixed := strings.CutPrefix(name, "fixed:"); {
	case isFixed:
		n, err := strconv.ParseFloat(seconds, 64)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("%w: %q", ErrPolicy, name)
		}
		s.policy = fixed{interval: time.Duration(n * float64(time.Second))}
	case name == Oracle:
		at := func(d int) float64 { return s.devices[d].timeout(s.now) }
		s.policy = oracle{late: w.LateS, timeout: at}
	case name == Hawser, name == Deaf:
		engine = heartbeat.NewLearner(s.start, heartbeat.Options{NoProbes: name == Deaf})
		s.policy = &learner{engine: engine, views: make([]heartbeat.View, w.Devices), dice: dice.Float64}
	case name == Mars:
		s.policy = newMars(w.Devices)
	default:
		return nil, fmt.Errorf("%w: %q", ErrPolicy, name)
	}
	s.run()
	s.result.Policy = name
	s.result.finish()
	if engine != nil {
		stats := engine.Stats()
		s.result.Engine = &stats
	}
	return s.result, nil
}
