package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// tenant is the one app of the fleet.
const tenant = "demo"

// The kinds that are published, as devmode configures them: messages are
// gathered shortly and shown, contacts are gathered for longer and wake the
// application only.
const (
	messages = "messages"
	contacts = "contacts"
)

func kinds() []string { return []string{messages, contacts} }

// phone is one of a user's devices.
type phone struct{ name, platform, app string }

// phones are what every user has.
func phones() []phone {
	return []phone{{"iphone", "ios", devmode.IOSApp}, {"android", "android", devmode.AndroidApp}}
}

// userName is the name of a user by number.
func userName(number int) string { return fmt.Sprintf("u%04d", number) }

func pushToken(user, device string) string { return devmode.DeviceToken(user, device) }

// registering is how many devices are registered at a time.
const registering = 32

// register stores the records of all devices, as routers do when a device says
// Hello.
func register(ctx context.Context, js jetstream.JetStream, users int) error {
	store, err := devices.Open(ctx, js)
	if err != nil {
		return err
	}
	var work sync.WaitGroup
	errs := make([]error, registering)
	for first := range registering {
		work.Go(func() {
			for u := first; u < users && errs[first] == nil; u += registering {
				errs[first] = registerUser(ctx, store, userName(u))
			}
		})
	}
	work.Wait()
	return errors.Join(errs...)
}

func registerUser(ctx context.Context, store *devices.Store, user string) error {
	for _, p := range phones() {
		if err := registerPhone(ctx, store, user, p); err != nil {
			return fmt.Errorf("register the %s of %s: %w", p.name, user, err)
		}
	}
	return nil
}

// registerWithin is how long a device tries: on a machine that is busy with other
// tests the servers that have just begun may elect another leader meanwhile.
const registerWithin = time.Minute

// registerPhone tries as a device does, which says Hello until it is welcome.
func registerPhone(ctx context.Context, store *devices.Store, user string, p phone) error {
	ctx, cancel := context.WithTimeout(ctx, registerWithin)
	defer cancel()
	for {
		_, err := store.Put(ctx, devices.ID{Tenant: tenant, User: user, Device: p.name}, &linkpb.DeviceRecord{
			Platform: p.platform, App: p.app, PushToken: pushToken(user, p.name), RegisteredMs: time.Now().UnixMilli(),
		})
		if err == nil || !sleep.For(ctx, time.Second) {
			return err
		}
	}
}

// openRecords connects as the router, whose right it is to store records. The
// caller ends the connection.
func openRecords(ctx context.Context, env *devmode.Environment) (js jetstream.JetStream, end func(), err error) {
	nc, err := env.AwaitNATS(ctx, routing.RoleRouter, router, program)
	if err != nil {
		return nil, nil, err
	}
	if js, err = jetstream.New(nc); err != nil {
		nc.Close()
		return nil, nil, fmt.Errorf("use JetStream: %w", err)
	}
	return js, nc.Close, nil
}
