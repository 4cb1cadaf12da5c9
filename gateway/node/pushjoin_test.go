package node

import (
	"testing"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/routing/presence"
)

// What routers say of a device reaches the push worker as it was meant.
func TestPresenceIsPassedOn(t *testing.T) {
	for said, want := range map[presence.State]push.PresenceState{
		presence.Unknown: push.Unknown, presence.Away: push.Away, presence.Doubtful: push.Doubtful,
		presence.Covered: push.Covered, presence.InFlight: push.InFlight, presence.Fetching: push.Fetching,
		presence.Fetching + 1: push.Unknown,
	} {
		if got := presenceState(said); got != want {
			t.Errorf("%d is passed on as %d, want %d", said, got, want)
		}
	}
}
