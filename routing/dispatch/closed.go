package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

// A phone that changes its network, or passes through a tunnel, loses its
// connection and is back within seconds: the SDK connects again at once. Its
// pushes wait for that, as long as their urgency bears, and never longer than
// for a device that stays connected and does not acknowledge.

// maxClosed bounds the devices that are remembered to have just gone; of more
// the oldest are pushed at once.
const maxClosed = 65_536

// closeGrace is how long a device whose connection ended is given to come back.
// A device that finds another network is back in 1 to 3 s, with a TLS ticket
// and a Hello; more of an urgent event's 3 s would be missed where it is not.
func closeGrace(u routing.Urgency) time.Duration {
	switch u {
	case routing.UrgencyHigh:
		return time.Second
	case routing.UrgencyLow:
		return 10 * time.Second
	default:
		return 3 * time.Second
	}
}

// closed are the devices whose connection ended just now.
type closed struct {
	at map[table.DeviceID]time.Time
	// queue is ordered by time. A device that went again stands in it again.
	queue []closing
}

type closing struct {
	device table.DeviceID
	at     time.Time
}

func newClosed() closed { return closed{at: make(map[table.DeviceID]time.Time)} }

// add remembers a device, whose names the caller does not change, unless it is
// remembered already.
func (c *closed) add(id table.DeviceID, now time.Time) {
	if _, ok := c.at[id]; ok {
		return
	}
	c.at[id] = now
	c.queue = append(c.queue, closing{id, now})
	for len(c.queue) > maxClosed {
		c.pop()
	}
}

func (c *closed) expire(now time.Time) {
	for len(c.queue) > 0 && now.Sub(c.queue[0].at) > closeGrace(routing.UrgencyLow) {
		c.pop()
	}
}

// back forgets a device that has connected.
func (c *closed) back(id table.DeviceID) { delete(c.at, id) }

func (c *closed) pop() {
	x := c.queue[0]
	c.queue[0] = closing{}
	c.queue = c.queue[1:]
	if c.at[x.device].Equal(x.at) {
		delete(c.at, x.device)
	}
}

// until returns until when a device is given to come back; the zero time: no
// connection of it ended just now.
func (c *closed) until(id table.DeviceID, u routing.Urgency) time.Time {
	at, ok := c.at[id]
	if !ok {
		return time.Time{}
	}
	return at.Add(closeGrace(u))
}
