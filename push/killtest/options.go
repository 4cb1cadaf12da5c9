package main

import (
	"errors"
	"flag"
	"time"
)

// options of a run.
type options struct {
	// kills and natsKills are how many push workers and NATS servers are
	// killed, over all sets.
	kills, natsKills int
	// sets is how many fleets there are side by side.
	sets int
	// pushers is how many push workers a set has: 1 or 2.
	pushers int
	// users of a set, each with an iPhone and an Android phone that are away.
	users int
	// flight is how many pushes of each worker are to be under way at the
	// providers.
	flight int
	// accept and answer are how long a provider takes at most to accept a push,
	// and how long its answer is on its way at most; half of that in the mean.
	accept, answer time.Duration
	// settle bounds the wait, after the last kill, for what is on its way.
	settle time.Duration
	// seed makes the choices; each set adds its number.
	seed uint64
	// keep leaves the logs behind also after a run that held.
	keep bool
	// sabotage is what the push workers are to do wrong, by programs that were
	// built for it. For the tests.
	sabotage string
}

// full is the form that the figures are about.
func full() options {
	return options{
		kills: 500, natsKills: 50, sets: 2, pushers: 1, users: 1500, flight: 64,
		accept: time.Second, answer: 80 * time.Millisecond, settle: 4 * time.Minute, seed: 1,
	}
}

// flags set the options.
func (o *options) flags() *flag.FlagSet {
	f := flag.NewFlagSet(program, flag.ContinueOnError)
	f.IntVar(&o.kills, "kills", o.kills, "`N` kills of push workers, over all sets")
	f.IntVar(&o.natsKills, "nats-kills", o.natsKills, "`N` kills of NATS servers, over all sets; each fifth is of all three at once")
	f.IntVar(&o.sets, "sets", o.sets, "`N` fleets side by side")
	f.IntVar(&o.pushers, "pushers", o.pushers, "`N` push workers in each, 1 or 2")
	f.IntVar(&o.users, "users", o.users, "`N` users in each, with two devices")
	f.IntVar(&o.flight, "flight", o.flight, "`N` pushes of each worker that are to be under way")
	f.DurationVar(&o.accept, "accept", o.accept, "`DURATION` until a push is accepted, at most")
	f.DurationVar(&o.answer, "answer", o.answer, "`DURATION` that the answer is on its way then, at most")
	f.DurationVar(&o.settle, "settle", o.settle, "`DURATION` to wait at most for what is on its way at the end")
	f.Uint64Var(&o.seed, "seed", o.seed, "`N` that makes the choices")
	f.BoolVar(&o.keep, "keep", false, "keep the logs also of a run that held")
	return f
}

func (o *options) check() error {
	switch {
	case o.kills < 0 || o.natsKills < 0 || o.kills+o.natsKills == 0:
		return errors.New("--kills and --nats-kills must not be below 0, nor both be 0")
	case o.sets < 1 || o.sets > 16:
		return errors.New("--sets must be 1 to 16")
	case o.pushers < 1 || o.pushers > 2:
		return errors.New("--pushers must be 1 or 2")
	case o.users < 100 || o.users > 5_000:
		return errors.New("--users must be 100 to 5000")
	case o.flight < 1 || o.flight > 100:
		return errors.New("--flight must be 1 to 100")
	case o.accept <= 0 || o.answer <= 0 || o.accept+o.answer > 10*time.Second:
		return errors.New("--accept and --answer must be above 0, and 10s together at most")
	case o.settle <= 0:
		return errors.New("--settle must be above 0")
	}
	return nil
}

// of are the options of one set.
func (o options) of(set int) options {
	share := func(all int) int { return all/o.sets + min(1, max(0, all%o.sets-set)) }
	o.kills, o.natsKills, o.seed = share(o.kills), share(o.natsKills), o.seed+uint64(set)
	return o
}
