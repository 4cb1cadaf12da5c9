package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
)

// options of a run.
type options struct {
	// users is how many there are, each with a connected, an away and a
	// silent device.
	users int
	// rate is how many events are published a second, over all users.
	rate int
	// fault is what happens to the fleet.
	fault string
	// kills is how many times an edge is killed, and how many times a router.
	kills int
	// killEvery is the time between two kills; edges and routers take turns.
	killEvery time.Duration
	// duration is how long events are published. 0: until calm after the last
	// kill.
	duration time.Duration
	// settle bounds the wait, after the last publication, for what is still
	// on its way.
	settle time.Duration
	// seed makes the choices of victims, users and doors; 0: any.
	seed uint64
	// transport of the connected devices: tcp, quic or auto.
	transport string
	// slowest is how many of the slowest deliveries are printed.
	slowest int
	// keep leaves the logs behind also after a run that held.
	keep bool
}

const (
	// calm is how long publishing goes on after the last kill.
	calm = 5 * time.Second
	// restartAfter is how long a killed process stays away.
	restartAfter = time.Second
	// reconnectSpread is over which time devices come back to the other edge.
	reconnectSpread = time.Second
)

// full is the whole form of the run.
func full() options {
	return options{
		users: 200, rate: 200, fault: faultKill, kills: 20, killEvery: 2 * time.Second,
		settle: 75 * time.Second, seed: 1, transport: client.TCP, slowest: 3,
	}
}

func (o options) check() error {
	switch {
	case o.users < 1 || o.users > 10_000:
		return fmt.Errorf("--users %d must be 1 to 10000", o.users)
	case o.rate < 1 || o.rate > 10_000:
		return fmt.Errorf("--rate %d must be 1 to 10000 events a second", o.rate)
	case sorts(o.fault) == nil:
		return fmt.Errorf("--fault %.40q must be %s, %s or %s", o.fault, faultKill, faultKillEdges, faultKillRouters)
	case o.kills < 0 || o.killEvery < restartAfter:
		return fmt.Errorf("--kills must not be below 0, nor --kill-every below %v, which a killed process stays away", restartAfter)
	case o.duration < 0 || o.settle <= 0:
		return errors.New("--duration and --settle must be above 0")
	case o.transport != client.TCP && o.transport != client.QUIC && o.transport != client.Auto:
		return fmt.Errorf("--transport %.20q must be tcp, quic or auto", o.transport)
	case o.publishFor() < o.killFor():
		return fmt.Errorf("--duration %v ends before the last kill, after %v", o.duration, o.killFor())
	}
	return nil
}

// killFor is the time from the first event to the last kill.
func (o options) killFor() time.Duration { return time.Duration(2*o.kills) * o.killEvery }

func (o options) publishFor() time.Duration {
	if o.duration > 0 {
		return o.duration
	}
	return o.killFor() + calm
}
