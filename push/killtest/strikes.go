package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// The sorts of strikes.
const (
	killPush = "push"
	killNATS = "nats"
)

// A strike is one kill.
type strike struct {
	sort    string
	members []string
	at      time.Time
	// found is what was under way at the providers, lost what of it had been
	// the victim's: known afterwards, by the connections that ended. A NATS
	// server has no pushes of its own.
	found, lost pushtest.Flight
	// back is after what time events that were published since had reached
	// their devices; 0: not within backWithin.
	back time.Duration
}

func (s strike) String() string {
	text := fmt.Sprintf("kill %s: %d pushes under way", strings.Join(s.members, " and "), s.under().All())
	if s.sort == killPush {
		text += fmt.Sprintf(", %d not accepted, %d accepted and unanswered", s.lost.Undecided, s.lost.Unanswered)
	}
	return fmt.Sprintf("%s; pushes of new events came after %.1f s", text, s.back.Seconds())
}

// under is what counts as under way.
func (s strike) under() pushtest.Flight {
	if s.sort == killPush {
		return s.lost
	}
	return s.found
}

const (
	// loadWithin bounds the wait until enough is under way for the next kill,
	// backWithin that for a push after one, and for all NATS servers.
	loadWithin = 30 * time.Second
	backWithin = 4 * time.Minute
	// randomly is within what time a kill comes that waits for nothing, and
	// moment within what time one that waited until enough was under way.
	randomly = 5 * time.Second
	moment   = time.Second
	// anyMoment is that each such kill of many waits for nothing.
	anyMoment = 10
	// allServers is that each such kill of NATS is of all servers at once.
	allServers = 5
)

// strikes kills as often as the options say, in an order that the seed makes.
func (r *run) strikes(ctx context.Context) {
	var plan []string
	for range r.opts.kills {
		plan = append(plan, killPush)
	}
	for range r.opts.natsKills {
		plan = append(plan, killNATS)
	}
	r.choices.Shuffle(len(plan), func(i, j int) { plan[i], plan[j] = plan[j], plan[i] })
	counts := map[string]int{}
	for i, sort := range plan {
		counts[sort]++
		s := strike{sort: sort, members: r.victims(sort, counts[sort])}
		if counts[sort]%anyMoment == 0 {
			sleep.For(ctx, time.Duration(r.choices.Int64N(int64(randomly))))
		} else {
			r.waitLoad(ctx, s.members)
		}
		if ctx.Err() != nil {
			return
		}
		if err := r.strike(ctx, &s); err != nil {
			r.book.trouble("kill %d: %v", i+1, err)
			return
		}
		r.book.struck(s)
		r.say("%d of %d: %s", i+1, len(plan), s)
	}
}

// waitLoad waits for the moment of the next kill: until its victims take part and
// enough is under way, and a little longer.
func (r *run) waitLoad(ctx context.Context, victims []string) {
	within, cancel := context.WithTimeout(ctx, loadWithin)
	defer cancel()
	for _, name := range victims {
		if n, ok := r.fleet.nodes[name]; ok {
			_ = devmode.Until(within, func() error { return n.Ready(within) }) // else the kill finds nothing
		}
	}
	enough := r.opts.flight * r.opts.pushers * 3 / 4
	for r.flight().All() < enough && sleep.For(within, 10*time.Millisecond) {
	}
	sleep.For(ctx, time.Duration(r.choices.Int64N(int64(moment))))
}

func (r *run) victims(sort string, number int) []string {
	if sort == killPush {
		return []string{r.fleet.pushers[r.choices.IntN(len(r.fleet.pushers))]}
	}
	var all []string
	for _, s := range r.fleet.nats {
		all = append(all, s.Name)
	}
	if number%allServers == 0 {
		return all
	}
	return []string{all[r.choices.IntN(len(all))]}
}

// strike kills, starts what was killed again, and waits until pushes come.
func (r *run) strike(ctx context.Context, s *strike) error {
	before := r.lost()
	s.found, s.at = r.flight(), time.Now()
	r.fleet.kill(s.members...)
	if s.sort == killPush {
		s.lost = r.lostSince(ctx, before)
	}
	sleep.For(ctx, rand.N(500*time.Millisecond))
	for _, m := range s.members {
		if err := r.fleet.start(ctx, m); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, backWithin)
	defer cancel()
	if s.sort == killNATS {
		return r.heal(ctx, s)
	}
	r.waitBack(ctx, s)
	return nil
}

// waitBack waits until events that were published after a strike reach their
// devices.
func (r *run) waitBack(ctx context.Context, s *strike) {
	for !r.book.arrivedSince(s.at) && sleep.For(ctx, 10*time.Millisecond) {
	}
	if r.book.arrivedSince(s.at) {
		s.back = time.Since(s.at)
	}
}

// heal waits until all NATS servers have everything.
func (r *run) heal(ctx context.Context, s *strike) error {
	r.waitBack(ctx, s)
	for _, server := range r.fleet.nats {
		if err := r.fleet.healthy(ctx, server); err != nil {
			return err
		}
	}
	return nil
}

// lostSince waits until the simulators have noticed that the victim is gone: its
// connections end with it, within a moment.
func (r *run) lostSince(ctx context.Context, before pushtest.Flight) pushtest.Flight {
	const still = 10
	last, same := r.lost(), 0
	for same < still && sleep.For(ctx, 10*time.Millisecond) {
		now := r.lost()
		same++
		if now != last {
			last, same = now, 0
		}
	}
	return last.Since(before)
}

func (r *run) flight() pushtest.Flight {
	return add(r.fleet.env.APNs.InFlight(), r.fleet.env.FCM.InFlight())
}

func (r *run) lost() pushtest.Flight { return add(r.fleet.env.APNs.Lost(), r.fleet.env.FCM.Lost()) }

func add(a, b pushtest.Flight) pushtest.Flight {
	return pushtest.Flight{Undecided: a.Undecided + b.Undecided, Unanswered: a.Unanswered + b.Unanswered}
}
