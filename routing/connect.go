package routing

import (
	"time"

	"github.com/nats-io/nats.go"
)

// ConnectOptions are the options that a role's NATS connection must be made
// with; credentials and TLS are added by the caller. label is as in User.
//
//   - It reconnects for ever, and does not fail when NATS is away at the start.
//     That the servers refuse the user ends it neither: their configuration
//     may follow.
//   - It pings every 5 s: a dead link is noticed within 15 s, where the
//     client's own default takes minutes.
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
		nats.PingInterval(5 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.Timeout(2 * time.Second),
	}
}
