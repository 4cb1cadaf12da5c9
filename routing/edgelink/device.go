package edgelink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// PutDevice stores a device's registration for pushes. It repeats the
// request until a router has done it or ctx ends. Should the device be removed
// after RegisteredMs it stays removed.
func (l *Link) PutDevice(ctx context.Context, d Device) error {
	if d.RegisteredMs == 0 {
		d.RegisteredMs = l.Clock().Now.UnixMilli()
	}
	return l.device(ctx, &linkpb.DeviceRequest{
		Tenant: d.Tenant, User: d.User, Device: d.Device,
		Record: &linkpb.DeviceRecord{
			Platform: d.Platform, App: d.App, PushToken: d.PushToken,
			RegisteredMs: d.RegisteredMs, Epoch: d.Epoch,
		},
		Token: d.JWT,
	})
}

// RemoveDevice removes a device's registration, with the same repetition. jwt
// is the device's own.
func (l *Link) RemoveDevice(ctx context.Context, tenant, user, device, jwt string) error {
	return l.device(ctx, &linkpb.DeviceRequest{Tenant: tenant, User: user, Device: device, Remove: true, Token: jwt})
}

func (l *Link) device(ctx context.Context, req *linkpb.DeviceRequest) error {
	ids := []struct{ what, id string }{{"tenant", req.GetTenant()}, {"user", req.GetUser()}, {"device", req.GetDevice()}}
	for _, c := range ids {
		if err := wire.CheckID(c.what, c.id); err != nil {
			return err
		}
	}
	aim := routing.NewAim(routing.DeviceSubject(l.cfg.Edge), l.Router)
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := l.callDevice(ctx, aim, req)
		if err == nil {
			return nil
		}
		l.metrics.deviceRetries.Inc()
		if !sleep.For(ctx, wait/2+rand.N(wait)) {
			return fmt.Errorf("no router took the device's registration: %w (last: %w)", ctx.Err(), err)
		}
	}
}

func (l *Link) callDevice(ctx context.Context, aim *routing.Aim, req *linkpb.DeviceRequest) error {
	var resp linkpb.DeviceResponse
	if err := l.call(ctx, aim, req, &resp); err != nil {
		return err
	}
	if resp.GetError() != "" {
		return errors.New(resp.GetError())
	}
	return nil
}
