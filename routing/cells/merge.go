package cells

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/heartbeat"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// errConflict tells that the cell was written by another router meanwhile.
var errConflict = errors.New("the cell was written meanwhile")

// batch is what one edge says at once.
type batch struct {
	edge        string
	hash        uint64
	incarnation int64
	number      uint64
}

// mergeAll adds the deltas to their cells, several at once, and says what
// became of each.
func (k *Keeper) mergeAll(ctx context.Context, s *store, b batch, deltas []*linkpb.Cell) []linkpb.CellsResponse_Fate {
	fates := make([]linkpb.CellsResponse_Fate, len(deltas))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(writers, len(deltas)) {
		wg.Go(func() {
			for i := range next {
				result := k.merge(ctx, s, b, deltas[i])
				k.metrics.deltas.WithLabelValues(result).Inc()
				fates[i] = fateOf(result)
			}
		})
	}
	for i := range deltas {
		next <- i
	}
	close(next)
	wg.Wait()
	return fates
}

func fateOf(result string) linkpb.CellsResponse_Fate {
	switch result {
	case resultMerged, resultRepeated:
		return linkpb.CellsResponse_FATE_MERGED
	case resultContended, resultStore:
		return linkpb.CellsResponse_FATE_LATER
	default:
		return linkpb.CellsResponse_FATE_REFUSED
	}
}

// merge adds one delta to its cell.
func (k *Keeper) merge(ctx context.Context, s *store, b batch, delta *linkpb.Cell) (result string) {
	path, err := heartbeat.ParseKey(delta.GetNetwork())
	if err != nil {
		return resultUnreadable
	}
	w, err := weigh(delta.GetSnapshot())
	if err != nil || !(w.Tested >= 0) {
		return resultUnreadable
	}
	m := merging{k: k, s: s, b: b, path: path, delta: delta.GetSnapshot(), w: w, granted: -1}
	at := s.mirror.get(path)
	for n := range attempts {
		if n > 0 {
			// Losers come back apart from one another.
			sleep.For(ctx, rand.N(2*time.Millisecond<<n))
			if at, err = s.read(ctx, path); err != nil {
				return resultStore
			}
		}
		if result, err = m.try(ctx, at); !errors.Is(err, errConflict) {
			return result
		}
	}
	return resultContended
}

// merging is one delta on its way into its cell.
type merging struct {
	// Static after construction.
	k     *Keeper
	s     *store
	b     batch
	path  heartbeat.Path
	delta []byte
	w     heartbeat.Weight

	// granted is what the edge's account gave, once; below 0: not asked yet.
	granted float64
	// overrule says whether the delta may take back what was known, once asked.
	asked, overrule bool
}

// try adds the delta to the cell as it was read. An error is errConflict.
func (m *merging) try(ctx context.Context, at held) (result string, err error) {
	now := m.k.cfg.Now()
	cell := m.base(at, now)
	share := shareOf(cell, m.b.hash)
	if share.GetIncarnation() > m.b.incarnation {
		return resultStale, nil
	}
	if share.GetIncarnation() == m.b.incarnation && share.GetBatch() >= m.b.number {
		return resultRepeated, nil
	}
	before := weightNow(share, now)
	if m.granted < 0 {
		m.granted = m.k.accounts.evidence(m.b.edge, min(m.w.Tested, max(maxShare-before, 0)), now)
		if at.revision == 0 && !m.k.accounts.add(m.b.edge, now) {
			return resultExcess, nil
		}
	}
	most := min(m.granted, maxShare-before)
	if m.w.Tested > 0 && most < leastEvidence {
		return resultExcess, nil
	}
	if cell.Snapshot, err = sum(cell.GetSnapshot(), m.delta, now, most, m.overrules(cell, now)); err != nil {
		return resultUnreadable, nil
	}
	setShare(cell, &linkpb.StoredCell_Share{
		Edge: m.b.hash, Incarnation: m.b.incarnation, Batch: m.b.number, MergedMs: now.UnixMilli(),
		Weight: float32(before + min(m.w.Tested, most)),
	})
	return m.write(ctx, at.revision, cell, now)
}

// base is what the delta is added to: the cell as it was read or, where that is
// garbage, as it was before.
func (m *merging) base(at held, now time.Time) *linkpb.StoredCell {
	for _, value := range [][]byte{at.value, m.s.mirror.get(m.path).value} {
		if c, err := parseValue(value, now); err == nil {
			return c
		}
	}
	return &linkpb.StoredCell{}
}

// overrules reports whether the delta takes back what the others know, because
// the network has changed since, and may do so.
func (m *merging) overrules(cell *linkpb.StoredCell, now time.Time) bool {
	stored, _ := heartbeat.Weigh(cell.GetSnapshot()) // an empty one never did
	if !m.w.Overrules.After(stored.Overrules) {
		return true // it did before
	}
	if !m.asked {
		m.asked, m.overrule = true, m.k.accounts.overrule(m.b.edge, now)
		if !m.overrule {
			m.k.metrics.silenced.Inc()
		}
	}
	return m.overrule
}

// sum adds a delta that weighs no more than most.
func sum(stored, delta []byte, now time.Time, most float64, overrule bool) ([]byte, error) {
	delta, err := heartbeat.Temper(delta, now, most, overrule)
	if err != nil {
		return nil, err
	}
	if len(stored) == 0 {
		return delta, nil
	}
	return heartbeat.Merge(stored, delta)
}

func (m *merging) write(ctx context.Context, revision uint64, cell *linkpb.StoredCell, now time.Time) (string, error) {
	value, err := proto.Marshal(cell)
	if err != nil || len(value) > MaxValue {
		return resultUnreadable, nil
	}
	key := routing.CellKey(m.path.Key())
	if revision != 0 {
		_, err = m.s.kv.Update(ctx, key, value, revision)
	} else if !m.k.makeRoom(ctx, m.s, m.path, now) {
		return resultFull, nil
	} else if _, err = m.s.kv.Create(ctx, key, value); err != nil {
		m.s.mirror.release(m.path)
	}
	switch {
	case err == nil:
		return resultMerged, nil
	case conflict(err):
		return "", errConflict
	case full(err):
		return resultFull, nil
	default:
		m.k.log.Debug("what an edge learned of a network was not written", "network", m.path.Key(), "error", err)
		return resultStore, nil
	}
}

// makeRoom reserves room for a new network, and pushes out for it the one of
// which nothing was heard for longest. It reports false where there is no room
// and none to be made.
func (k *Keeper) makeRoom(ctx context.Context, s *store, p heartbeat.Path, now time.Time) bool {
	path, old, isFull := s.mirror.reserve(p)
	if !isFull {
		return true
	}
	if old.revision == 0 {
		return false
	}
	c, err := parseValue(old.value, now)
	if err == nil {
		if w, err := weigh(c.GetSnapshot()); err == nil && now.Sub(w.At) < evictAfter {
			return false
		}
	}
	err = s.kv.Purge(ctx, routing.CellKey(path.Key()), jetstream.LastRevision(old.revision))
	if err != nil {
		return conflict(err) // it was written just now, or another one pushed it out
	}
	s.mirror.replace(path, old.revision+1, p)
	k.metrics.evicted.Inc()
	return true
}

// read asks for a cell as it is now.
func (s *store) read(ctx context.Context, path heartbeat.Path) (held, error) {
	e, err := s.kv.Get(ctx, routing.CellKey(path.Key()))
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound): // or deleted
		return held{}, nil
	case err != nil:
		return held{}, fmt.Errorf("read a cell: %w", err)
	}
	return held{e.Revision(), e.Value()}, nil
}

// conflict reports whether the cell has another revision than was expected.
func conflict(err error) bool {
	return errors.Is(err, jetstream.ErrKeyExists) || jsapi.WrongSequence(err)
}

// full reports whether the bucket takes no more bytes.
func full(err error) bool {
	const (
		storeFailed  = 10077
		noStorage    = 10047
		tooManyBytes = 10054
	)
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == storeFailed || api.ErrorCode == noStorage || api.ErrorCode == tooManyBytes)
}
