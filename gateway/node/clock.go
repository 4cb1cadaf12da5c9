package node

import (
	"fmt"
	"time"

	"github.com/hawser-edge/hawser/gateway/session"
	"github.com/hawser-edge/hawser/routing/clocks"
	"github.com/hawser-edge/hawser/routing/edgelink"
)

// wallClock is the host's clock, which a sabotaged test build can set.
func wallClock() func() time.Time {
	if clock := sabotageFromEnv().clock; clock != nil {
		return clock
	}
	return time.Now
}

// edgeClock tells the sessions what the routers' clocks say of the host's.
type edgeClock struct{ link *edgelink.Link } // static once a session exists

func (c *edgeClock) Now() time.Time {
	r := c.link.Clock()
	if r.State == clocks.Wrong {
		return r.Now
	}
	return r.Now.Add(r.Ahead)
}

func (c *edgeClock) State() session.ClockState {
	switch c.link.Clock().State {
	case clocks.Right:
		return session.ClockRight
	case clocks.Wrong:
		return session.ClockWrong
	default:
		return session.ClockUnknown
	}
}

// wrongClock is why an edge with a wrong clock shall get no devices, nil where
// the clock is right or nothing is known of it.
func wrongClock(r clocks.Reading) error {
	if r.State != clocks.Wrong {
		return nil
	}
	where := "ahead of"
	if r.Ahead < 0 {
		where = "behind"
	}
	return fmt.Errorf("the clock of this host is %s %s the routers' clocks: let NTP set it", r.Ahead.Abs().Round(time.Millisecond), where)
}
