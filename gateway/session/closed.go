package session

import (
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// closeTimeout bounds the delivery of a Close frame.
const closeTimeout = time.Second

// ending is why a connection ends. The reasons are a closed set, as values of
// a label have to be.
type ending struct {
	// code is 0 where the device can be told nothing any more.
	code wire.CloseCode
	// reason is the value of the label in metrics.
	reason string
	// text goes to the device's log with the Close frame.
	text string
}

// The endings, by what brings them about. They are never changed.
var (
	// The connection went away.
	endPeer  = &ending{0, "peer_closed", ""}
	endReset = &ending{0, "transport_error", ""}

	// The device was told to go.
	endShutdown   = &ending{wire.CloseShutdown, "shutdown", "the edge stops"}
	endBusy       = &ending{wire.CloseBusy, "busy", "the edge is full"}
	endSuperseded = &ending{wire.CloseSuperseded, "superseded", "a newer session of this device took over"}
	endRemoved    = &ending{wire.CloseRemoved, "removed", "the backend ended this session"}
	endSurplus    = &ending{wire.CloseRemoved, "surplus", "the user has newer devices, and is allowed no more"}
	endRevoked    = &ending{wire.CloseUnauthenticated, "token_revoked", "the backend ended the tokens that were issued so early: get a new one"}
	endClock      = &ending{wire.CloseClock, "clock", "the session's epoch was refused"}
	endIsland     = &ending{wire.CloseBusy, "island", "this edge is cut off and sends its devices elsewhere: connect to another one"}
	endEdgeClock  = &ending{wire.CloseClock, "edge_clock", "this edge's clock cannot be trusted: connect to another one"}

	// The device asked for it.
	endBye          = &ending{wire.CloseBye, "bye", ""}
	endLoggedOut    = &ending{wire.CloseLoggedOut, "logged_out", ""}
	endLogoutFailed = &ending{wire.CloseInternal, "logout_failed", "the device record could not be removed, say Bye again"}

	// The device was silent, or did not read.
	endHelloTimeout = &ending{wire.CloseHelloTimeout, "hello_timeout", "no Hello came in time"}
	endIdle         = &ending{wire.CloseIdle, "idle", "no frame came within the deadline"}
	endTooSlow      = &ending{wire.CloseTooSlow, "too_slow", "the device does not read"}

	// The device is not let in, or not any longer.
	endToken        = &ending{wire.CloseUnauthenticated, "bad_token", ""}
	endTokenExpired = &ending{wire.CloseTokenExpired, "token_expired", "the token has expired"}
	endTenant       = &ending{wire.ClosePermissionDenied, "tenant_not_served", "this edge does not serve the tenant"}
	endOtherDevice  = &ending{wire.ClosePermissionDenied, "token_of_another", "a renewed token must be of the same tenant, user and device"}

	// The device broke a rule.
	endMalformed      = &ending{wire.CloseProtocol, "malformed", "a frame is malformed"}
	endTooLarge       = &ending{wire.CloseFrameTooLarge, "too_large", "a frame is above the limit"}
	endNotHello       = &ending{wire.CloseProtocol, "not_hello", "the first frame must be Hello"}
	endSecondHello    = &ending{wire.CloseProtocol, "second_hello", "Hello may be said once"}
	endWrongDirection = &ending{wire.CloseProtocol, "wrong_direction", "a device may not send frames of the edge"}
	endRequestID      = &ending{wire.CloseProtocol, "request_id_reused", "a request has the id of one without a response"}
	endFrameRate      = &ending{wire.CloseRateLimited, "frame_rate", "the device sends too many frames"}
)

// refusals are the endings of connections that were no sessions yet.
func refusals() []*ending {
	return []*ending{endPeer, endReset, endShutdown, endBusy, endHelloTimeout, endToken, endTokenExpired, endEdgeClock, endIsland, endTenant,
		endMalformed, endTooLarge, endNotHello}
}

// endings are those of sessions.
func endings() []*ending {
	return []*ending{endPeer, endReset, endShutdown, endSuperseded, endRemoved, endSurplus, endRevoked, endClock, endEdgeClock,
		endBye, endLoggedOut, endLogoutFailed,
		endIdle, endTooSlow, endToken, endTokenExpired, endOtherDevice, endMalformed, endTooLarge, endSecondHello,
		endWrongDirection, endRequestID, endFrameRate}
}

// reasons are the endings' label values.
func reasons(list []*ending) []string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = e.reason
	}
	return out
}

// with says more to the device.
func (e *ending) with(text string) *ending {
	return &ending{e.code, e.reason, text}
}

// closed is a connection that never became a session and is to be told so.
type closed struct {
	conn transport.Conn
	end  *ending
	back *wirepb.ComeBack // when the device is to come back; nil: as the code says
}

// finish delivers the Close frame, within closeTimeout, and ends the
// connection.
func (c closed) finish() {
	if c.end.code != 0 {
		_ = c.conn.SetWriteDeadline(time.Now().Add(closeTimeout))
		last := c.end.frame()
		last.ComeBack = c.back
		_, _ = c.conn.Write(wire.Append(nil, last))
	}
	_ = c.conn.CloseWithCode(uint16(c.end.code), c.end.text)
}

func (e *ending) frame() *wire.Close { return &wire.Close{Code: e.code, Reason: e.text} }
