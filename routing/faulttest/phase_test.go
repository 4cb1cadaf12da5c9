package main

import (
	"strings"
	"testing"
	"time"
)

// TestRowsTellWhomAFaultConcerns has an event before a fault, in it and after
// it, each heard late.
func TestRowsTellWhomAFaultConcerns(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	o := owner{"demo", "A"}
	event := func(key string, number int64, s float64) publication {
		return publication{owner: o, kind: messages, key: "demo/A/messages/" + key, version: number, begun: at(s), answered: at(s + 0.5)}
	}
	heard := func(e publication, after time.Duration) arrival {
		return arrival{kind: messages, version: e.version, key: e.key, at: e.answered.Add(after)}
	}
	before, during, later := event("before", 1, 2), event("during", 2, 9.5), event("later", 3, 12)
	f := facts{
		published: []publication{before, during, later},
		sent:      map[string]bool{before.key: true, during.key: true, later.key: true},
		phases:    []phase{{fault: "calm", from: at(0), until: at(0)}, {fault: "f", from: at(10), until: at(11)}},
		devices: []deviceFacts{{owner: o, name: "d", part: connected, handed: []arrival{
			heard(before, 2*time.Second), heard(during, 3*time.Second), heard(later, 4*time.Second),
		}}},
	}
	rows := judge(f).Rows
	if rows[0].Rest.took != 2*time.Second || rows[0].Stall.took != 0 || rows[0].Late != 1 || rows[0].Publish != 500*time.Millisecond {
		t.Errorf("before the fault: %+v, want 2s for what no fault concerns", rows[0])
	}
	if rows[1].Stall.took != 3*time.Second || rows[1].Rest.took != 4*time.Second || rows[1].Late != 2 || rows[1].Events != 2 {
		t.Errorf("the fault: %+v, want a stall of 3s by it and 4s for what came later", rows[1])
	}

	f.phases[1].edge = edge1
	for _, tt := range []struct {
		name              string
		stays             []stay
		quic              bool
		stall, rest, beat time.Duration
	}{
		{"on the edge", []stay{{edge: edge1, from: at(0)}}, false, 4 * time.Second, 0, 0},
		{"on the edge until it died", []stay{{edge: edge1, from: at(0), to: at(10.1)}}, false, 4 * time.Second, 0, 0},
		{"on the other one", []stay{{edge: edge2, from: at(0)}}, false, 0, 4 * time.Second, 0},
		{"there before", []stay{{edge: edge1, from: at(0), to: at(5)}}, false, 0, 4 * time.Second, 0},
		{"over QUIC", []stay{{edge: edge1, from: at(0)}}, true, 0, 0, 4 * time.Second},
	} {
		f.devices[0].stays, f.devices[0].quic = tt.stays, tt.quic
		row := judge(f).Rows[1]
		if row.Stall.took != tt.stall || row.Rest.took != tt.rest || row.Quic.took != tt.beat {
			t.Errorf("a device %s: %+v, want stall %v, rest %v, quic %v", tt.name, row, tt.stall, tt.rest, tt.beat)
		}
	}
}

func TestLimitsAreHeldAgainstARow(t *testing.T) {
	l := limits{publish: 2 * time.Second, stall: 5 * time.Second, rest: time.Second, late: 10, lateIs: true}
	took := func(d time.Duration) delay { return delay{took: d} }
	for _, tt := range []struct {
		row           row
		plain, strict string
	}{
		{row{Publish: 2 * time.Second, Stall: took(5 * time.Second), Rest: took(time.Second), Late: 10}, "", ""},
		{row{Publish: 3 * time.Second, Stall: took(6 * time.Second), Rest: took(2 * time.Second), Late: 11}, "", "publish stall rest late"},
		{row{Publish: 6 * time.Second, Stall: took(12 * time.Second), Rest: took(4 * time.Second), Late: 31}, "publish stall rest late", "publish stall rest late"},
	} {
		if got := strings.Join(l.over(tt.row, false), " "); got != tt.plain {
			t.Errorf("%+v is over %q, want %q", tt.row, got, tt.plain)
		}
		if got := strings.Join(l.over(tt.row, true), " "); got != tt.strict {
			t.Errorf("strictly, %+v is over %q, want %q", tt.row, got, tt.strict)
		}
	}
	if over := (limits{}).over(row{Stall: took(time.Hour), Late: 1000}, true); len(over) > 0 {
		t.Errorf("without limits %v are over", over)
	}
}
