package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/hawser-edge/hawser/gateway/rawdevice"
)

// errBroker says that a broker answered something else than it had to.
var errBroker = errors.New("the broker does not answer as it should")

// greetBroker connects a device of a broker: a clean session with one
// subscription.
func (w *worker) greetBroker(ctx context.Context, d *device, number int, user string) (follow func() error, err error) {
	conn, err := w.dialer.dial(ctx, number)
	if err != nil {
		return nil, err
	}
	if err := w.enterBroker(conn, user); err != nil {
		_ = conn.Close() // the error above says more
		return nil, err
	}
	d.arrive(conn, time.Now())
	w.count.arrived(conn.negotiated())
	return func() error { return w.followBroker(conn) }, nil
}

func (w *worker) enterBroker(conn connection, user string) error {
	if err := conn.SetReadDeadline(time.Now().Add(attemptTimeout)); err != nil {
		return err
	}
	hello := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	hello.ProtocolName, hello.ProtocolVersion = "MQTT", 4
	hello.CleanSession, hello.ClientIdentifier = true, user
	hello.Keepalive = brokerKeepalive(w.plan.Beat)
	if err := hello.Write(conn); err != nil {
		return err
	}
	answer, err := packets.ReadPacket(conn)
	if err != nil {
		return err
	}
	if ack, ok := answer.(*packets.ConnackPacket); !ok || ack.ReturnCode != packets.Accepted {
		return fmt.Errorf("%w: %v", errBroker, answer)
	}
	sub := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	sub.MessageID, sub.Topics, sub.Qoss = 1, []string{"users/" + user}, []byte{1}
	if err := sub.Write(conn); err != nil {
		return err
	}
	if answer, err = packets.ReadPacket(conn); err != nil {
		return err
	}
	if _, ok := answer.(*packets.SubackPacket); !ok {
		return fmt.Errorf("%w: %v", errBroker, answer)
	}
	return nil
}

// brokerKeepalive is what a broker is told, in seconds; 0: for ever. It is far
// above the beat, so that a broker does not take devices for dead where the
// machine stops their process for some seconds, as an edge does not, either.
func brokerKeepalive(beat time.Duration) uint16 {
	if beat == 0 {
		return 0
	}
	const least, most = 60, 65535
	return uint16(min(max(3*beat.Seconds(), least), most))
}

// followBroker pings at fixed times until the connection ends.
func (w *worker) followBroker(conn connection) error {
	for next := w.firstBeat(); ; next = next.Add(w.plan.Beat) {
		if err := conn.SetReadDeadline(next); err != nil {
			return err
		}
		if _, err := packets.ReadPacket(conn); err == nil || !isTimeout(err) {
			return errors.Join(errBroker, err)
		}
		if err := packets.NewControlPacket(packets.Pingreq).Write(conn); err != nil {
			return err
		}
		if err := conn.SetReadDeadline(time.Now().Add(rawdevice.DefaultPatience)); err != nil {
			return err
		}
		answer, err := packets.ReadPacket(conn)
		if err != nil {
			return err
		}
		if _, ok := answer.(*packets.PingrespPacket); !ok {
			return fmt.Errorf("%w: %v", errBroker, answer)
		}
		w.beaten(time.Since(next))
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
