package routing

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// ConnectOptions are the options that a role's NATS connection must be made
// with; credentials and TLS are added by the caller. label is as in User.
//
//   - It reconnects for ever, and does not fail when NATS is away at the start.
//     That the servers refuse the user ends it neither: their configuration
//     may follow.
//   - It pings every 2 s: a server that is stopped, or a line that was cut
//     without a sign, is noticed within 6 s, where the client's own default
//     takes minutes. The next server of the cluster is tried then.
//   - No write waits for longer than 2 s. The client holds its lock
//     meanwhile: by default it would not notice for a minute that a server
//     which reads nothing does not answer pings either.
//   - It buffers nothing while NATS is away. What it would send later is
//     outdated by then, and whatever matters is repeated from state.
//   - Replies come to the prefix that the role's permissions allow.
func ConnectOptions(role Role, label string) []nats.Option {
	return []nats.Option{
		nats.Name(UserName(role, label)),
		nats.CustomInboxPrefix(InboxPrefix(role, label)),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 500*time.Millisecond),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(2 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.FlusherTimeout(2 * time.Second),
		nats.Timeout(2 * time.Second),
	}
}

// Plain words an error of a connection that was made with ConnectOptions for the
// log: it buffers nothing while NATS is away, and the client calls that a buffer
// that is full.
func Plain(err error) error {
	if errors.Is(err, nats.ErrReconnectBufExceeded) {
		return fmt.Errorf("not connected to NATS: %w", err)
	}
	return err
}
