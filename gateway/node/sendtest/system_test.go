//go:build unix

package sendtest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// system stands for the routers, the device records and the backends: every
// device is away and has a token. A device's record is derived from its name.
type system struct{ apps map[string]push.AppKey } // by tenant

func (s system) Check(context.Context, push.Target) (push.PresenceState, error) {
	return push.Away, nil
}

func (s system) Head(context.Context, string, string, string) (int64, []byte, error) {
	return 0, nil, nil
}

func (s system) Record(_ context.Context, tenant, _, device string) (push.Record, error) {
	k := s.apps[tenant]
	return push.Record{
		Platform: k.Platform, App: k.App, Token: tokenOf(device), RegisteredAt: time.Now().Add(-time.Hour), Found: true,
	}, nil
}

func (s system) MarkRejected(context.Context, string, string, string, uint64, time.Time) (bool, error) {
	return false, nil
}

func (s system) DropToken(context.Context, string, string, string, uint64) (bool, error) {
	return false, nil
}

func (s system) TokenRejected(context.Context, string, string, string, string, string) error {
	return nil
}

func (s system) PushDead(context.Context, string, string, string, string, int64, string) error {
	return nil
}

func userOf(number int) string   { return fmt.Sprintf("u%d", number) }
func deviceOf(number int) string { return fmt.Sprintf("d%d", number) }

// tokenOf is a token as both services take it.
func tokenOf(device string) string {
	return fmt.Sprintf("%064s", strings.TrimPrefix(device, "d"))
}

func jobOf(tenant string, number int) pushqueue.Job {
	return pushqueue.Job{
		Tenant: tenant, User: userOf(number), Device: deviceOf(number), Kind: "messages",
		Version: 1, EventAt: time.Now(), Urgency: push.Normal,
	}
}
