package main

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/rawdevice"
	"github.com/hawser-edge/hawser/gateway/wire"
)

func TestSlotOfADevice(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	away := func(wait time.Duration, proof string) error {
		return &rawdevice.ClosedError{Code: wire.CloseBusy, Wait: wait, Slot: []byte(proof)}
	}
	var s slot
	if _, ok := s.take(errors.New("reset"), start); ok {
		t.Error("a slot of a reset")
	}
	if wait, ok := s.take(away(10*time.Second, "a"), start); !ok || wait != 10*time.Second || string(s.proof) != "a" {
		t.Errorf("took %v, %t", wait, ok)
	}
	_, _ = s.take(away(2*time.Second, "b"), start.Add(11*time.Second))
	if string(s.proof) != "b" {
		t.Error("the newest slot is not kept")
	}
	k := s.end(start.Add(13 * time.Second))
	if k.given != 2 || k.share() != 1.3 || s.given != 0 {
		t.Errorf("kept %+v", k)
	}
	all := &slots{latencies: newHistograms()}
	all.kept(k, true)
	all.kept(keptSlot{told: start, at: start.Add(time.Minute), welcomed: start.Add(61 * time.Second), given: 1}, true)
	all.kept(k, false)         // of no storm
	all.kept(keptSlot{}, true) // let in at once
	want := SlotStats{Devices: 2, Late: 1, Again: 1, Worst: 1.3, First: start.Add(10 * time.Second), Last: start.Add(time.Minute)}
	var sum SlotStats
	sum.add(SlotStats{})
	sum.add(all.stats())
	if sum != want {
		t.Errorf("counted %+v, want %+v", sum, want)
	}
}

func TestStormIsJudged(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	cost := 1000.0 // us
	r := &run{rep: newReport(options{command: storm}), meter: &meter{perConnect: &cost}, o: options{command: storm, serverCPUs: "0-1"}}
	r.rep.samples = []sample{{rss: 100}, {rss: 300}, {rss: 150}}
	r.rep.Latency = map[string]quantiles{groupNotify: {P99: 3}, groupControl: {P99: 2}}
	r.judgeStorm(SlotStats{Devices: 10_000, First: start.Add(3 * time.Second), Last: start.Add(13 * time.Second)}, start, 100, 120)
	if err := r.rep.judge(r.o.rules()); err != nil {
		t.Fatal(err)
	}
	s := r.rep.Storm
	if *s.Capacity != 5 || *s.SpreadOverCapacity != 2 || *s.NotifyP99Ratio != 1.5 || *s.GivenBack != 0.9 || s.PeakRSS != 300 {
		t.Errorf("reported %+v", s)
	}
	var failed []string
	for _, x := range r.rep.Thresholds {
		if x.Failed {
			failed = append(failed, x.Rule)
		}
	}
	if !slices.Equal(failed, []string{"storm.spread_over_capacity<3"}) || len(r.rep.Thresholds) != len(stormRules()) {
		t.Errorf("failed %v of %v", failed, r.rep.Thresholds)
	}
}

func TestCoresInAList(t *testing.T) {
	for list, want := range map[string]int{"": 0, "0": 1, "0-3": 4, "0-1,3": 3, "3-0": 0, "a": 0} {
		if got := coresIn(list); got != want {
			t.Errorf("%q has %d cores, want %d", list, got, want)
		}
	}
}
