//go:build unix

package apns

import (
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/sideshow/apns2"
	bare "github.com/sideshow/apns2/payload"
	"github.com/sideshow/apns2/token"
	"golang.org/x/net/http2"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

func TestMain(m *testing.M) { providertest.Main(m, nil) }

// A send costs hardly more CPU than with the bare library and its transport.
//
// Both word the same notification for the same thousand devices, a hundred at
// once on one connection with the same TLS, in one process, in rounds that take
// turns: one heap, one pace of its collector. The bare side has the transport,
// the pings and the time limit that the library gives its users.
func TestCostBesideTheBareLibrary(t *testing.T) {
	if os.Getenv("HAWSER_PUSH_COST") == "" {
		t.Skip("a measurement that wants the machine for itself: set HAWSER_PUSH_COST=1")
	}
	url, roots := providertest.Fake(t)
	p8 := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{}).Key()
	key, err := token.AuthKeyFromBytes(p8)
	if err != nil {
		t.Fatal(err)
	}
	client := &apns2.Client{
		Host: url, Token: &token.Token{AuthKey: key, KeyID: "KEYSIM0001", TeamID: "TEAMSIM001"},
		//lint:ignore SA1019 it is the transport that the library uses
		HTTPClient: &http.Client{Transport: &http2.Transport{TLSClientConfig: providertest.TLS(roots), ReadIdleTimeout: 15 * time.Second}, Timeout: time.Minute},
	}
	pool := NewPool(quiet())
	t.Cleanup(pool.Close)
	app, err := pool.App(Config{TeamID: "TEAMSIM001", KeyID: "KEYSIM0001", Key: p8, Topic: topic, Endpoint: url, RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	const devices = 1000
	tokens, id := make([]string, devices), uuid.NewString()
	for i := range tokens {
		tokens[i] = fmt.Sprintf("%064x", i)
	}
	ratio := providertest.Compare(t, func(i int) error {
		m := message(tokens[i%devices])
		r, err := client.PushWithContext(t.Context(), &apns2.Notification{
			ApnsID: id, CollapseID: m.Collapse, DeviceToken: m.Token, Topic: topic, Expiration: m.Expiry,
			Priority: apns2.PriorityHigh, PushType: apns2.PushTypeAlert,
			Payload: bare.NewPayload().AlertTitle(m.Content.Title).AlertBody(m.Content.Body).Sound(m.Content.Sound).
				MutableContent().Custom(push.HawserKey, m.Hawser),
		})
		if err == nil && r.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d", r.StatusCode)
		}
		return err
	}, func(i int) error {
		if r := app.Send(t.Context(), message(tokens[i%devices])); r.Verdict != push.Delivered {
			return fmt.Errorf("result %+v", r)
		}
		return nil
	})
	if ratio > 1.10 {
		t.Errorf("%.2f times the CPU of the bare library, want 1.10 at the most", ratio)
	}
}
