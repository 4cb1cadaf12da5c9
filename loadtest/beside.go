package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// comparison compares the edge, or what carries it, with a process that does the
// same bytes' work and nothing else. Both do it in turns, so that what else the machine does falls
// on both.
type comparison struct {
	// What was done, Count times by each: connect, reconnect or notify.
	What string `json:"what"`
	// Of is who is compared with Side: the edge in most comparisons.
	Of   string `json:"of"`
	Side string `json:"side"`
	// Count is how often each did it, in so many rounds.
	Count  int `json:"count"`
	Rounds int `json:"rounds"`
	// The CPU of each, Of's first, a time that it was done, and Of's by Side's:
	// of all rounds, and the median of the rounds'.
	EdgeCPU     float64 `json:"edge_cpu_us"`
	SideCPU     float64 `json:"side_cpu_us"`
	Ratio       float64 `json:"cpu_ratio"`
	MedianRatio float64 `json:"cpu_ratio_median"`
}

func (b comparison) line() line {
	return line{"beside " + b.Side, fmt.Sprintf("CPU a %s: %.1f µs, %s %.1f µs: %.2f, median of %d rounds %.2f",
		b.What, b.SideCPU, b.Of, b.EdgeCPU, b.Ratio, b.Rounds, b.MedianRatio)}
}

// gogc is what both sides are started with.
const gogc = "GOGC=100"

// startBare starts the process of a side and has it listen. The caller stops
// it, also after an error.
func (r *run) startBare(ctx context.Context, side string) (*hand, BareAddrs, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, BareAddrs{}, err
	}
	log, err := os.OpenFile(filepath.Join(r.dir, side+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, BareAddrs{}, err
	}
	defer log.Close() // the child holds its own descriptor
	command := onCPUs(r.o.serverCPUs, with([]string{gogc}, self, partBare))
	h, err := startHand(command, os.Environ(), log)
	if err != nil {
		return nil, BareAddrs{}, err
	}
	var addrs BareAddrs
	open := BareOpen{Side: side, CertFile: r.fleet.env.Path("edge.pem"), KeyFile: r.fleet.env.Path("edge.key")}
	err = h.callBare(ctx, "Open", open, &addrs)
	return h, addrs, err
}

// turns are the CPU seconds that each side took in its rounds, by name.
type turns struct {
	cpu   map[string][]float64
	count map[string]int
}

// turn has one side do its work.
func (t *turns) turn(name string, pid int, work func() (int, error)) error {
	before := devmode.CPUSeconds(pid)
	n, err := work()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	t.cpu[name] = append(t.cpu[name], (devmode.CPUSeconds(pid)-before)/float64(n))
	t.count[name] += n
	return nil
}

// forget drops what was measured.
func (t *turns) forget() { *t = *newTurns() }

func newTurns() *turns { return &turns{cpu: map[string][]float64{}, count: map[string]int{}} }

// The edge under test, and the same when its devices have their tokens of
// before.
const (
	sideEdge      = "edge"
	sideEdgeAgain = "edge_again"
)

// compare says what came of it. Each round did the work as often.
func (t *turns) compare(what, mine, side string) comparison {
	edge, other := t.cpu[mine], t.cpu[side]
	var ratios []float64
	for i := range edge {
		ratios = append(ratios, edge[i]/max(other[i], 1e-9))
	}
	b := comparison{
		What: what, Of: mine, Side: side, Count: t.count[side], Rounds: len(edge),
		EdgeCPU: mean(edge) * 1e6, SideCPU: mean(other) * 1e6, MedianRatio: median(ratios),
	}
	b.Ratio = b.EdgeCPU / max(b.SideCPU, 1e-9)
	return b
}

// median is the mean of the middle two where there is no middle one. It sorts.
func median(all []float64) float64 {
	slices.Sort(all)
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}

func mean(all []float64) (m float64) {
	for _, v := range all {
		m += v / float64(len(all))
	}
	return m
}

// inTurns has the sides begin by turns.
func inTurns(round int, sides ...func() error) error {
	for i := range sides {
		if err := sides[(i+round)%len(sides)](); err != nil {
			return err
		}
	}
	return nil
}
