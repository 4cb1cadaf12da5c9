package table

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

// What somebody with an edge's credentials sends while a dump is asked for is
// kept by every router: not without a bound.
func TestKeptBytesAreBounded(t *testing.T) {
	for name, more := range map[string]func(b *linkpb.SessionBatch){
		"long names": func(b *linkpb.SessionBatch) { b.Added = []*linkpb.Session{{User: strings.Repeat("u", 1<<20)}} },
		"many sessions": func(b *linkpb.SessionBatch) {
			for range 1 << 15 {
				b.Added = append(b.Added, &linkpb.Session{})
			}
		},
		"many ends": func(b *linkpb.SessionBatch) { b.Removed = make([]uint64, 1<<20) },
		"long site": func(b *linkpb.SessionBatch) { b.Site, b.Removed = strings.Repeat("s", 1<<20), []uint64{1} },
	} {
		t.Run(name, func(t *testing.T) {
			tab, e := New(), newEdge("e1", 1)
			e.add(says(1, "u", "d", 5))
			apply(t, tab, e.beat(), Unknown)
			kept := 0
			for r := Kept; r == Kept && kept < 256; kept++ {
				b := e.batch(nil, 999)
				more(b)
				r, _ = tab.Apply(b, start, nil)
			}
			if kept > 80 {
				t.Errorf("%d batches of at least 1 MiB were kept", kept)
			}
		})
	}
}

// Each incarnation of an edge leaves something behind for two minutes. An edge
// does not start anew several times a second.
func TestIncarnationsAreBounded(t *testing.T) {
	tab, now := New(), start
	taken := 0
	for i := range 1000 {
		e := newEdge("e1", int64(i+1))
		if r, _ := tab.Apply(e.add(says(1, fmt.Sprint("u", i), "d", 5)), now, nil); r == Applied {
			taken++
		}
		now = now.Add(time.Millisecond)
	}
	if taken > maxGraves+1 || len(tab.graves) > maxGraves {
		t.Errorf("%d incarnations within a second were taken, %d are remembered", taken, len(tab.graves))
	}
	other := newEdge("e2", 1)
	apply(t, tab, other.beat(), Applied)
	tab.Tick(now)
	for end := now.Add(LostFor + EdgeSilence); now.Before(end); now = now.Add(50 * time.Millisecond) {
		tab.Tick(now)
	}
	again := newEdge("e1", 5000)
	if r, _ := tab.Apply(again.beat(), now, nil); r != Applied {
		t.Errorf("the edge's name is lost: %v", r)
	}
}
