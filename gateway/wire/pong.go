package wire

import "time"

// Pong answers a Ping.
type Pong struct {
	// Interval is the time of silence after which the device sends its next
	// Ping, in milliseconds on the wire. 0: the present interval stays.
	Interval time.Duration
}

// Type returns TypePong.
func (*Pong) Type() Type { return TypePong }

func (f *Pong) appendPayload(b []byte) []byte { return appendMillis(b, f.Interval) }

func parsePong(d decoder) (Frame, error) {
	f := &Pong{Interval: d.millis("interval")}
	return f, d.err
}
