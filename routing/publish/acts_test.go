package publish_test

import (
	"context"
	"testing"

	"connectrpc.com/connect"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/publish"
)

// counted counts what it is asked to do.
type counted struct{ n int }

func (c *counted) Disconnect(context.Context, string, string, string, bool) (int64, error) {
	c.n++
	return 0, nil
}
func (c *counted) DeleteDevice(context.Context, string, string, string) (int64, error) {
	c.n++
	return 0, nil
}
func (c *counted) DeleteUser(context.Context, string, string) (int64, error) {
	c.n++
	return 0, nil
}

// What a tenant ends is remembered by every router, for a month: it may not end
// names that it makes up as fast as it can.
func TestActsAreBounded(t *testing.T) {
	var users counted
	r := newRig(t, routing.StreamOptions{}, func(c *publish.Config) { c.Users = &users })
	refused := 0
	for range 3000 {
		if _, err := r.svc.DeleteUser(t.Context(), "acme", &hawserv1.DeleteUserRequest{User: "u"}); err != nil {
			if e := publish.AsError(err); e.Code != connect.CodeResourceExhausted || e.RetryAfter == 0 {
				t.Fatal(err)
			}
			refused++
		}
	}
	if refused < 1000 || users.n+refused != 3000 {
		t.Errorf("%d done, %d refused", users.n, refused)
	}
	if _, err := r.svc.Disconnect(t.Context(), "globex", &hawserv1.DisconnectRequest{User: "u"}); err != nil {
		t.Errorf("another tenant: %v", err)
	}
}
