// Package presence asks the routers where a device is. The push role does so
// before it sends.
package presence

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// ErrNoRouter says that no router with a complete table answered: the answer
// is not known, ask again.
var ErrNoRouter = errors.New("no complete router answered")

// State is what the routers know about a device and a version.
type State int

// The states.
const (
	// Unknown: the router cannot say yet.
	Unknown State = iota
	// Away: the device has no session.
	Away
	// Doubtful: it has a session that let an event time out.
	Doubtful
	// Covered: it acknowledged the version.
	Covered
	// InFlight: it has a session that was notified just now.
	InFlight
	// Fetching: it has a session that fetches the kind at this moment, or that
	// registered just now and is likely to.
	Fetching
)

// Question names a device and what it should have heard of.
type Question struct {
	Tenant, User, Device, Kind string
	Version                    int64
	// Urgency is the push's: 1 low, 2 normal or 3 high.
	Urgency int
}

// Client asks. It owns nothing that must be closed.
type Client struct {
	// Static after construction.
	nc      *nats.Conn
	subject string
}

// New returns a client that asks over nc under the name of a push worker.
// nc belongs to the caller.
func New(nc *nats.Conn, worker string) *Client {
	return &Client{nc: nc, subject: routing.CheckSubject(worker)}
}

// Check asks any router. A router that finds a session notifies it first, so
// that asking again after InFlight makes progress. Errors wrap ErrNoRouter,
// or the context's where it has ended.
func (c *Client) Check(ctx context.Context, q Question) (State, error) {
	body, err := proto.Marshal(&linkpb.CheckRequest{
		Tenant: q.Tenant, User: q.User, Device: q.Device, Kind: q.Kind, Version: q.Version, Urgency: int32(q.Urgency),
	})
	if err != nil {
		return Unknown, fmt.Errorf("encode a presence check: %w", err)
	}
	msg, err := c.nc.RequestWithContext(ctx, c.subject, body)
	if err != nil {
		if ctx.Err() != nil {
			return Unknown, ctx.Err()
		}
		return Unknown, fmt.Errorf("%w: %w", ErrNoRouter, err)
	}
	var answer linkpb.CheckResponse
	if err := proto.Unmarshal(msg.Data, &answer); err != nil {
		return Unknown, fmt.Errorf("%w: its answer cannot be read: %w", ErrNoRouter, err)
	}
	return stateOf(answer.GetState()), nil
}

// stateOf maps what travels to what is meant; what a newer router may add
// counts as Unknown.
func stateOf(s linkpb.CheckResponse_State) State {
	switch s {
	case linkpb.CheckResponse_STATE_AWAY:
		return Away
	case linkpb.CheckResponse_STATE_DOUBTFUL:
		return Doubtful
	case linkpb.CheckResponse_STATE_COVERED:
		return Covered
	case linkpb.CheckResponse_STATE_IN_FLIGHT:
		return InFlight
	case linkpb.CheckResponse_STATE_FETCHING:
		return Fetching
	default:
		return Unknown
	}
}
