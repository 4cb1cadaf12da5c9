package fcm

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// Google allows 100 requests at once on a connection, and so does its simulator:
// a thousand under way take twelve connections of 90 requests each.
func TestAThousandInFlight(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewFCM, pushtest.FCMOptions{})
	cfg := configFor(sim)
	cfg.NoDeviceLimits = true
	client, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	burst := func(wg *sync.WaitGroup) {
		for i := range 1000 {
			wg.Go(func() {
				m := message()
				m.Token = fmt.Sprintf("token-%d", i)
				if r := providertest.Send(t, client, m); r.Verdict != push.Delivered {
					t.Errorf("result %+v", r)
				}
			})
		}
	}
	var wg sync.WaitGroup
	delay := 100 * time.Millisecond
	for rounds := 0; sim.MaxConcurrent() < 1000; rounds++ { // connections widen with their first answer
		if rounds == 24 {
			t.Fatalf("never more than %d under way, on %d connections", sim.MaxConcurrent(), client.h2.Connections())
		}
		before := client.h2.Connections()
		sim.Delay(delay) // so that many are under way at once
		burst(&wg)
		wg.Wait()
		if client.h2.Connections() == before {
			delay = min(2*delay, 8*time.Second) // it takes longer here until the last one is
		}
	}
	const most = 12
	n := client.h2.Connections()
	t.Logf("%d connections at 1,000 in flight", n)
	if n > most || sim.Connections() > most+1 { // and one for access tokens
		t.Errorf("%d connections, %d in all, at 1,000 in flight, want %d at the most", n, sim.Connections(), most)
	}
	if n := sim.Overran(); n != 0 {
		t.Errorf("%d requests were above the limit of their connection", n)
	}
}
