package devices_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// TestRegistrationsStayOnReplicas registers many devices at once on three
// servers, at each of them: whichever does not lead the stream lags, and must
// not make a device's record look like another's.
func TestRegistrationsStayOnReplicas(t *testing.T) {
	servers := natstest.RunCluster(t, 3, routing.User{Role: routing.RoleRouter, Label: "r1"})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	const registrations = 500
	var work sync.WaitGroup
	for s, server := range servers {
		_, js := server.JetStream("r1", routing.StreamOptions{Replicas: 3})
		store, err := devices.Open(ctx, js)
		if err != nil {
			t.Fatal(err)
		}
		for i := range registrations {
			work.Go(func() { register(ctx, t, store, s*registrations+i) })
		}
	}
	work.Wait()
}

func register(ctx context.Context, t *testing.T, store *devices.Store, number int) {
	id := devices.ID{Tenant: "acme", User: fmt.Sprintf("u%d", number), Device: "phone"}
	token := fmt.Sprintf("%064x", number)
	got, err := store.Put(ctx, id, &linkpb.DeviceRecord{
		Platform: "ios", App: "com.example", PushToken: token, RegisteredMs: time.Now().UnixMilli(),
	})
	if err != nil || got != devices.Stored {
		t.Errorf("%s is %v, %v, want stored", id, got, err)
	}
	if r, err := store.Record(ctx, id.Tenant, id.User, id.Device); err != nil || r.Token != token {
		t.Errorf("%s: the record just stored is %+v, %v", id, r, err)
	}
}
