package node_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

// waitRecords waits until the router knows that many devices with a push
// token.
func (f *fleet) waitRecords(n float64) {
	f.t.Helper()
	eventually(f.t, fmt.Sprintf("%g device records", n), func() error {
		if got := f.metric(whole, "hawser_router_records"); got != n {
			return fmt.Errorf("there are %g: %w", got, errNotYet)
		}
		return nil
	})
}

// hasRecord looks into the bucket itself, with a router's rights.
func (f *fleet) hasRecord(tenant, user, device string) bool {
	f.t.Helper()
	nc, err := f.env.ConnectNATS(routing.RoleRouter, whole)
	if err != nil {
		f.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	bucket, err := js.KeyValue(ctx, routing.BucketDevices)
	if err != nil {
		f.t.Fatal(err)
	}
	_, err = bucket.Get(ctx, routing.DeviceKey(tenant, user, device))
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		f.t.Fatal(err)
	}
	return err == nil
}
