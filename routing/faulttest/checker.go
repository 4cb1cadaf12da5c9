package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// String names a device.
func (d *deviceFacts) String() string {
	return fmt.Sprintf("the %s device %s of %s", d.part, d.name, d.owner)
}

// A checker goes through the facts once.
type checker struct {
	verdict
	rows *rows
	// events are those of each kind of a user, by version.
	events map[stream][]publication
	// keep is how many events newer than one must at least have been stored
	// before it may be missing in the log.
	keep int
	// named counts the losses of each device; the first few are described.
	named map[string]int
}

// namedADevice is how many losses of one device are described: who else lost
// something says more.
const namedADevice = 2

// judge draws the balance. It is pure: the same facts give the same verdict.
func judge(f facts) verdict {
	c := &checker{rows: newRows(f), events: map[stream][]publication{}, named: map[string]int{}, keep: f.keep - len(f.sent) + len(f.published)}
	c.Events, c.missing = len(f.published), map[pair]bool{}
	for _, e := range f.published {
		s := stream{e.owner, e.kind}
		c.events[s] = append(c.events[s], e)
	}
	for _, events := range c.events {
		slices.SortFunc(events, func(a, b publication) int { return cmp.Compare(a.version, b.version) })
	}
	ids := newIdentities(f)
	ids.mayForget = c.mayForget
	ids.checkAnswers(&c.verdict, f)
	for i := range f.devices {
		c.checkDevice(&f.devices[i])
		ids.checkItems(&c.verdict, &f.devices[i])
	}
	c.Rows = c.rows.rows
	return c.verdict
}

// mayForget reports whether the servers may have lost the id of an event:
// they all started anew when at least keep newer events of its kind had begun.
func (c *checker) mayForget(e publication) bool {
	events := c.events[stream{e.owner, e.kind}]
	i, _ := slices.BinarySearchFunc(events, e.version, func(e publication, v int64) int { return cmp.Compare(e.version, v) })
	for _, p := range c.rows.phases {
		// The end counts too: they read the log when they are back.
		if p.forgets && e.begun.Before(p.until) && pushedOut(events[min(i+1, len(events)):], p.until, c.keep) {
			return true
		}
	}
	return false
}

// checkDevice books the events of a device's user.
func (c *checker) checkDevice(d *deviceFacts) {
	for _, kind := range kinds() {
		events := c.events[stream{d.owner, kind}]
		c.Pairs += len(events)
		if d.part == connected {
			c.checkHeard(d, events, kind)
		} else {
			c.checkPushed(d, events, kind)
		}
	}
	c.checkNeedless(d)
	c.checkForwards(d, "handed", d.handed)
	c.checkForwards(d, "pushed", d.pushes)
	c.checkForwards(d, "notified", d.told)
	c.countTwice(d)
}

// checkHeard wants each event handed over. One that is not is excused only by
// a snapshot of its version or a later one, told after the publication began
// and after at least keep newer events of the kind pushed it out of the log.
func (c *checker) checkHeard(d *deviceFacts, events []publication, kind string) {
	handed := firsts(d.handed, kind)
	snapshots := only(d.snapshots, kind)
	for i, e := range events {
		if a, ok := handed[e.version]; ok {
			c.Heard++
			c.HeardAfter = append(c.HeardAfter, c.rows.heard(d, e, a))
			continue
		}
		a, ok := firstCovering(snapshots, e)
		switch {
		case !ok:
			c.lost(d, e, "it was neither handed over nor covered by a snapshot")
		case !pushedOut(events[i+1:], a.at, c.keep):
			c.lost(d, e, "a snapshot was told in its place while the log still had it")
		default:
			c.Snapshots++
			c.rows.heard(d, e, a)
		}
	}
}

// checkPushed wants, for each event, a push that carries its version or a
// later one and reached the provider after the publication began: an
// application that is woken before that fetches without finding it.
func (c *checker) checkPushed(d *deviceFacts, events []publication, kind string) {
	pushes := only(d.pushes, kind)
	for _, e := range events {
		if a, ok := firstCovering(pushes, e); ok {
			c.Pushed++
			c.rows.pushed(d, e, a)
			continue
		}
		c.lost(d, e, "no push carried its version or a later one")
	}
}

func (c *checker) lost(d *deviceFacts, e publication, why string) {
	c.Lost++
	if c.named[d.String()]++; c.named[d.String()] <= namedADevice {
		c.fault("lost: %s version %d (%s, begun %s, answered %s) for %s: %s",
			e.kind, e.version, e.key, e.begun.Format(clock), e.answered.Format(clock), d, why)
	}
	c.missing[pair{e.key, d.String()}] = true
	c.losses = append(c.losses, loss{e, d})
	c.rows.lost(e)
}

// clock is how faults tell the time: as the logs of the processes do.
const clock = "15:04:05.000"

// checkForwards finds versions that follow a greater one of their kind and,
// for notifies, connection.
func (c *checker) checkForwards(d *deviceFacts, how string, arrivals []arrival) {
	type run struct {
		kind string
		conn int
	}
	newest := map[run]int64{}
	for _, a := range arrivals {
		s := run{a.kind, a.conn}
		if a.version < newest[s] {
			c.Backwards++
			c.rows.backwards(a.at)
			c.fault("backwards: %s was %s %s version %d after %d, at %s",
				d, how, a.kind, a.version, newest[s], a.at.Format(clock))
		}
		newest[s] = max(newest[s], a.version)
	}
}

// countTwice finds what was handed over or pushed again.
func (c *checker) countTwice(d *deviceFacts) {
	seen := map[version]bool{}
	for _, a := range d.handed {
		if seen[a.of()] {
			c.HandedTwice++
			c.rows.twice(a.at)
		}
		seen[a.of()] = true
	}
	clear(seen)
	for _, a := range d.pushes {
		if seen[a.of()] {
			c.PushedTwice++
			c.rows.twice(a.at)
		}
		seen[a.of()] = true
	}
}

// checkNeedless counts pushes for what the application had before.
func (c *checker) checkNeedless(d *deviceFacts) {
	if d.part != connected {
		return
	}
	handed := map[version]time.Time{}
	for _, a := range d.handed {
		handed[a.of()] = a.at
	}
	for _, p := range d.pushes {
		if at, ok := handed[p.of()]; ok && at.Before(p.at) {
			c.Needless++
		}
	}
}
