package client

import (
	"errors"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// ending is how a connection or an attempt ended.
type ending struct {
	how wirepb.LastConnection_End
	// code is 0 unless the edge told one.
	code   wire.CloseCode
	reason string
	err    error
	// welcomed is how long the connection lived after Welcome; 0: there was
	// none.
	welcomed time.Duration
	// spread is what Welcome advised should the edge vanish.
	spread time.Duration
	// alone: what ended the connection showed to this device at a time of its
	// own, when it beat, and not to all of the edge's devices at once.
	alone bool
	// back is when the edge wants to see the device again; nil: as the code says.
	back *wirepb.ComeBack
	// token is what Hello was said with; empty if it was not said. Never
	// logged.
	token string
}

func told(code wire.CloseCode, reason string) ending {
	return ending{
		how:    wirepb.LastConnection_END_TOLD,
		code:   code,
		reason: reason,
		err:    &CloseError{Code: code, Reason: reason},
	}
}

func reset(err error) ending {
	return ending{how: wirepb.LastConnection_END_RESET, err: err}
}

func timedOut(err error) ending {
	return ending{how: wirepb.LastConnection_END_TIMEOUT, err: err}
}

func local() ending {
	return ending{how: wirepb.LastConnection_END_LOCAL, err: errClosed}
}

// endOf reads an ending from the error of a connection. On QUIC the code may
// come without its frame.
func endOf(err error) ending {
	var already *endError
	if errors.As(err, &already) {
		return already.ending
	}
	if code, reason, ok := transport.CodeFromError(err); ok && code >= 3000 && code <= 3999 {
		return told(wire.CloseCode(code), reason)
	}
	return reset(err)
}

// endError carries an ending through an error.
type endError struct{ ending }

func (e *endError) Error() string { return e.err.Error() }
func (e *endError) Unwrap() error { return e.err }

// report is what the next Hello says of the last connection.
type report struct {
	how       wirepb.LastConnection_End
	good      time.Duration
	firstMiss time.Duration
	at        time.Time
}

// elsewhere is the report on another network than the one that the connection
// ended on: what was lost there says nothing of this one.
func (r *report) elsewhere() *report {
	return &report{how: wirepb.LastConnection_END_NETWORK_CHANGED, good: r.good, at: r.at}
}

func (r *report) body() *wirepb.LastConnection {
	if r == nil {
		return nil
	}
	return &wirepb.LastConnection{
		End:              r.how,
		LastGoodGapMs:    wireMillis(r.good),
		FirstMissGapMs:   wireMillis(r.firstMiss),
		ReconnectDelayMs: wireMillis(time.Since(r.at)),
	}
}

// wireMillis keeps a time within what a frame may say: a device can have been
// off for a month.
func wireMillis(d time.Duration) int64 {
	return min(max(d, 0), maxWireTime).Milliseconds()
}
