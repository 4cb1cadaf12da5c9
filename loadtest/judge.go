package main

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// stormReport is how the devices of a storm fared, and those that were there
// before.
type stormReport struct {
	// Told devices were sent away with a slot. Of these, Late were welcomed
	// more than a fifth of their wait after it, and ToldAgain were sent away a
	// second time; WorstWait is the greatest part of its wait that one waited.
	Told      int     `json:"told"`
	Late      int     `json:"late"`
	ToldAgain int     `json:"told_again"`
	WorstWait float64 `json:"worst_wait_ratio"`
	// FirstSlot and LastSlot are the slots that lie furthest apart, from the
	// beginning of the storm.
	FirstSlot float64 `json:"first_slot_s"`
	LastSlot  float64 `json:"last_slot_s"`
	Spread    float64 `json:"spread_s"`
	// Capacity is for how long the edge, with all its cores, would have been
	// busy with as many devices as slots were given, by what each cost it
	// before the storm.
	Capacity           *float64 `json:"capacity_s"`
	SpreadOverCapacity *float64 `json:"spread_over_capacity"`
	NotifyP99Ratio     *float64 `json:"notify_p99_ratio"`
	// Resident memory of the edge: with the live devices before the storm, at
	// its peak, and at the end of the control run, when the others are gone.
	LiveRSS  int64 `json:"live_rss_bytes"`
	PeakRSS  int64 `json:"peak_rss_bytes"`
	AfterRSS int64 `json:"after_rss_bytes"`
	// GivenBack is the part of what came with the storm that went with it.
	GivenBack *float64 `json:"given_back_ratio"`
}

// stormRules are those that a storm has to keep where no others are named and
// somebody was sent away.
func stormRules() []string {
	return []string{
		"storm.late>0", "storm.spread_over_capacity<3", "storm.notify_p99_ratio>2", "versions_check.lost>0",
		"storm.given_back_ratio<0.7",
	}
}

// judgeStorm fills in the report of a storm that began at start.
func (r *run) judgeStorm(s SlotStats, start time.Time, live, after int64) {
	j := &stormReport{Told: s.Devices, Late: s.Late, ToldAgain: s.Again, WorstWait: s.Worst, LiveRSS: live, AfterRSS: after}
	r.rep.Storm = j
	for _, p := range r.rep.samples {
		j.PeakRSS = max(j.PeakRSS, p.rss)
	}
	j.GivenBack = partOf(float64(j.PeakRSS-after), float64(j.PeakRSS-live))
	j.NotifyP99Ratio = partOf(r.rep.Latency[groupNotify].P99, r.rep.Latency[groupControl].P99)
	if s.Devices == 0 {
		r.rep.caveat("nobody was sent away: more devices have to come, or a lower edge.admission.per_second, for slots to be judged")
		return
	}
	j.FirstSlot, j.LastSlot = s.First.Sub(start).Seconds(), s.Last.Sub(start).Seconds()
	j.Spread = j.LastSlot - j.FirstSlot
	if cost := r.meter.perConnect; cost != nil {
		busy := *cost / 1e6 * float64(s.Devices) / float64(r.o.serverCores())
		j.Capacity, j.SpreadOverCapacity = &busy, partOf(j.Spread, busy)
	}
	if len(r.o.rules()) == 0 {
		r.o.failIf = stormRules()
	}
}

// partOf is nil where there is none.
func partOf(a, b float64) *float64 {
	if b <= 0 {
		return nil
	}
	v := a / b
	return &v
}

// serverCores is how many cores the edge has.
func (o *options) serverCores() int {
	if n := coresIn(o.serverCPUs); n > 0 {
		return n
	}
	return runtime.NumCPU()
}

// coresIn counts a list as for taskset, 0-2,5; 0 for another form.
func coresIn(list string) (n int) {
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		a, err := strconv.Atoi(from)
		if err != nil {
			return 0
		}
		b := a
		if isRange {
			if b, err = strconv.Atoi(to); err != nil || b < a {
				return 0
			}
		}
		n += b - a + 1
	}
	return n
}

func (j *stormReport) lines() []line {
	return []line{
		{"slots", fmt.Sprintf("%d devices were told when to come back, %d of them were late, %d were told again; one waited %.2f of its wait",
			j.Told, j.Late, j.ToldAgain, j.WorstWait)},
		{"slots from, to", fmt.Sprintf("%.1f s, %.1f s: %s of what the edge would be busy for", j.FirstSlot, j.LastSlot, timesText(j.SpreadOverCapacity))},
		{"notify p99 over the control's", timesText(j.NotifyP99Ratio)},
		{"RSS live, peak, after", fmt.Sprintf("%s, %s, %s: %s of the storm's given back", mega(j.LiveRSS), mega(j.PeakRSS), mega(j.AfterRSS), timesText(j.GivenBack))},
	}
}

func timesText(v *float64) string {
	if v == nil {
		return "not measured"
	}
	return fmt.Sprintf("%.2fx", *v)
}
