package natsim

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/heartbeat"
)

// The policies that Run knows, beside "fixed:SECONDS" and "oracle:SECONDS": the
// oracle with no longer intervals than that. Networks evict connections of all
// kinds alike in the worlds, so of all policies with as few beats, one of these
// has the least dead time.
const (
	Oracle = "oracle"
	Hawser = "hawser"
	Deaf   = "hawser without probes"
	Mars   = "mars"

	fixedAt = "fixed"
)

// ErrPolicy is returned for a policy that nobody knows.
var ErrPolicy = errors.New("natsim: no such policy")

// Run lets a world of a seed pass under a policy. scale multiplies all of the
// world's timeouts.
func Run(w World, seed uint64, scale float64, name string) (*Result, error) {
	s := newSim(&w, seed, scale)
	var engine *heartbeat.Learner
	dice := rand.New(rand.NewPCG(seed, 2))
	kind, n, err := parse(name)
	if err != nil {
		return nil, err
	}
	switch {
	case kind == fixedAt:
		s.policy = fixed{interval: time.Duration(n * float64(time.Second))}
	case kind == Oracle:
		at := func(d int) float64 { return s.devices[d].timeout(s.now) }
		s.policy = oracle{late: w.LateS, most: n, timeout: at}
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

// parse reads a policy's name; seconds is +Inf where it has none.
func parse(name string) (kind string, seconds float64, err error) {
	kind, text, has := strings.Cut(name, ":")
	if !has && kind != fixedAt {
		return kind, math.Inf(1), nil
	}
	seconds, err = strconv.ParseFloat(text, 64)
	if err != nil || !(seconds > 0 && seconds <= day) || kind != fixedAt && kind != Oracle {
		return "", 0, fmt.Errorf("%w: %q", ErrPolicy, name)
	}
	return kind, seconds, nil
}
