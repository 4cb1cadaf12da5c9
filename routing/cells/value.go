package cells

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/heartbeat"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// errGarbage is wrapped by the errors of values that are no cell.
var errGarbage = errors.New("not a cell")

// parseValue reads a value of the bucket. It refuses what no router writes.
func parseValue(value []byte, now time.Time) (*linkpb.StoredCell, error) {
	if len(value) > MaxValue {
		return nil, fmt.Errorf("%w: %d bytes", errGarbage, len(value))
	}
	var c linkpb.StoredCell
	if err := proto.Unmarshal(value, &c); err != nil {
		return nil, fmt.Errorf("%w: %w", errGarbage, err)
	}
	if len(c.GetShares()) > maxShares {
		return nil, fmt.Errorf("%w: %d shares", errGarbage, len(c.GetShares()))
	}
	w, err := weigh(c.GetSnapshot())
	if err != nil {
		return nil, err
	}
	if w.At.After(now.Add(ahead)) {
		return nil, fmt.Errorf("%w: of %v", errGarbage, w.At)
	}
	return &c, nil
}

func weigh(snapshot []byte) (w heartbeat.Weight, err error) {
	if len(snapshot) == 0 || len(snapshot) > heartbeat.MaxSnapshot {
		return w, fmt.Errorf("%w: a snapshot of %d bytes", errGarbage, len(snapshot))
	}
	if w, err = heartbeat.Weigh(snapshot); err != nil {
		return w, fmt.Errorf("%w: %w", errGarbage, err)
	}
	return w, nil
}

// edgeHash stands for an edge's name in a cell.
func edgeHash(edge string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(edge)) // never fails
	return h.Sum64()
}

// shareOf is the edge's share of a cell, or nil.
func shareOf(c *linkpb.StoredCell, edge uint64) *linkpb.StoredCell_Share {
	for _, s := range c.GetShares() {
		if s.GetEdge() == edge {
			return s
		}
	}
	return nil
}

// weightNow is what a share weighs by now.
func weightNow(s *linkpb.StoredCell_Share, now time.Time) float64 {
	weight := float64(s.GetWeight())
	if math.IsNaN(weight) || weight <= 0 {
		return 0
	}
	age := max(now.Sub(time.UnixMilli(s.GetMergedMs())), 0)
	return min(weight, maxShare) * math.Exp2(-age.Hours()/shareHalfLife.Hours())
}

// setShare notes that an edge's batch is part of the cell. The share that was
// written longest ago goes where there are too many.
func setShare(c *linkpb.StoredCell, s *linkpb.StoredCell_Share) {
	c.Shares = slices.DeleteFunc(c.Shares, func(x *linkpb.StoredCell_Share) bool { return x.GetEdge() == s.GetEdge() })
	if len(c.Shares) >= maxShares {
		c.Shares = slices.Delete(c.Shares, 0, len(c.Shares)-maxShares+1)
	}
	c.Shares = append(c.Shares, s)
}
