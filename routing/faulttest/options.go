package main

import (
	"errors"
	"fmt"
	"time"
)

// options of a run.
type options struct {
	// users is how many there are over both tenants, each with three devices.
	users int
	// rate is how many events are published a second, over all users; hotRate
	// is how many more for one user.
	rate, hotRate int
	// fault is what happens to the fleet: a list, or all.
	fault string
	// hold is how long faults last that have an end; see leastNATSHold.
	hold time.Duration
	// calm is how long nothing happens between two faults.
	calm time.Duration
	// heal bounds the wait, after a fault, until nothing is missing at
	// connected devices.
	heal time.Duration
	// settle bounds the wait, after the last publication, for what is still
	// on its way.
	settle time.Duration
	// seed makes the choices of victims, users and doors. seeds is how many
	// runs there are, with that seed and those after it; side is how many of
	// them at a time.
	seed        uint64
	seeds, side int
	// phones is how many of the connected devices run the SDK, in turns over
	// TCP and QUIC.
	phones int
	// loopback has the members side by side.
	loopback bool
	// strict counts limits as they are, lenient none of them: a machine that
	// others use too is judged by what became of the events alone.
	strict, lenient bool
	// keep leaves the logs behind also after a run that held.
	keep bool
	// dir is where the programs are and logs go; set for a run inside.
	dir string
	// built: the programs are in dir already. sabotage is what they are to do
	// wrong, where they were built for it. Both are for the tests.
	built    bool
	sabotage string
}

const (
	// ackWait is the fleet's, its default.
	ackWait = 4 * time.Second
	// restartAfter is how long a member that ended stays away.
	restartAfter = time.Second
	// reconnectSpread is over which time devices come back to the other edge,
	// drainSpread over which an edge that stops sends them there. Their defaults
	// are 30 s. All of a run is on one machine, which is busy with the load: who
	// comes faster than this waits for a processor, and not for hawser.
	reconnectSpread = 3 * time.Second
	drainSpread     = 3 * time.Second
	// tenantRate is what a tenant may publish a second, at each router: not
	// what a run is about.
	tenantRate = 100_000
	// leastNATSHold is the least that a NATS server is frozen or cut off for:
	// the others elect in its place after 4 to 9 s. What hawser's own timers
	// find out takes half of that.
	leastNATSHold = 12 * time.Second
)

// full is the form that the design's numbers are about.
func full() options {
	return options{
		users: 2000, rate: 500, hotRate: 1000, fault: "all", hold: 20 * time.Second, calm: 3 * time.Second, heal: 90 * time.Second,
		settle: 100 * time.Second, seed: 1, seeds: 1, side: 1, phones: 100,
	}
}

func (o *options) check() error {
	faults, err := parseFaults(o.fault)
	switch {
	case err != nil:
		return err
	case o.users < usersAPattern || o.users > 5_000:
		return fmt.Errorf("--users %d must be %d to 5000", o.users, usersAPattern)
	case o.rate < 1 || o.rate > 10_000 || o.hotRate < 0 || o.hotRate > 10_000:
		return errors.New("--rate must be 1 to 10000 events a second, --hot-rate 0 to 10000")
	case o.hold < time.Second || o.calm < 0 || o.settle <= 0 || o.heal <= 0:
		return errors.New("--hold must be 1s at least, --calm not below 0, --heal and --settle above 0")
	case o.seeds < 1 || o.side < 1:
		return errors.New("--seeds and --side must be 1 at least")
	case o.strict && o.lenient:
		return errors.New("--strict and --lenient exclude one another")
	case o.phones < 0:
		return errors.New("--phones must not be below 0")
	}
	for _, f := range faults {
		if o.loopback && f.spaces && o.fault != "all" {
			return fmt.Errorf("--fault %s: %w", f.name, errOnLoopback)
		}
	}
	return nil
}

// faults are those of the run, without those that its place cannot do where
// all were asked for.
func (o options) faults() ([]fault, error) {
	faults, err := parseFaults(o.fault)
	var possible []fault
	for _, f := range faults {
		if !f.spaces || !o.loopback {
			possible = append(possible, f)
		}
	}
	return possible, err
}

// wrongClocks reports whether the run sets clocks.
func (o options) wrongClocks() bool {
	faults, _ := o.faults() // checked before
	for _, f := range faults {
		if f.clocks {
			return true
		}
	}
	return false
}
