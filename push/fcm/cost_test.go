//go:build unix

package fcm

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
)

func TestMain(m *testing.M) { providertest.Main(m) }

// A send costs hardly more CPU than with the bare SDK over net/http's transport.
func TestCostBesideTheBareLibrary(t *testing.T) {
	if os.Getenv("HAWSER_PUSH_COST") == "" {
		t.Skip("a measurement that wants the machine for itself: set HAWSER_PUSH_COST=1")
	}
	url, roots := providertest.Fake(t)
	bare, err := bareMessaging(t.Context(), url, &http.Transport{TLSClientConfig: providertest.TLS(roots), ForceAttemptHTTP2: true})
	if err != nil {
		t.Fatal(err)
	}
	_, sim := start(t)
	cfg := configFor(sim)
	cfg.Endpoint, cfg.RootCAs = url, roots
	ours, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ours.Close)
	ours.access.token = &oauth2.Token{AccessToken: "a", Expiry: time.Now().Add(time.Hour)}
	ratio := providertest.Compare(t, func(i int) error {
		m, ttl := message(), time.Hour
		_, err := bare.Send(t.Context(), &messaging.Message{
			Token:        fmt.Sprintf("%s-%d-%d", device, i, time.Now().UnixNano()),
			Data:         map[string]string{push.HawserKey: `{"v":1,"user":"u1","kind":"messages","version":"9007199254740991"}`},
			Notification: &messaging.Notification{Title: m.Content.Title, Body: m.Content.Body},
			Android: &messaging.AndroidConfig{
				CollapseKey: m.Collapse, Priority: "high", TTL: &ttl,
				Notification: &messaging.AndroidNotification{Sound: m.Content.Sound, Tag: m.Collapse},
			},
		})
		return err
	}, func(i int) error {
		m := message()
		m.Token = fmt.Sprintf("%s-%d-%d", device, i, time.Now().UnixNano()) // of one device only so many go
		if r := ours.Send(t.Context(), m); r.Verdict != push.Delivered {
			return fmt.Errorf("result %+v", r)
		}
		return nil
	})
	if ratio > 1.10 {
		t.Errorf("%.2f times the CPU of the bare SDK, want 1.10 at the most", ratio)
	}
}

// bareMessaging is the SDK as its users have it, with an access token that needs
// no fetching.
func bareMessaging(ctx context.Context, url string, transport http.RoundTripper) (*messaging.Client, error) {
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "a", Expiry: time.Now().Add(time.Hour)})
	app, err := firebase.NewApp(ctx, &firebase.Config{ProjectID: "p"}, option.WithEndpoint(url+"/v1"),
		option.WithHTTPClient(&http.Client{Transport: &oauth2.Transport{Source: source, Base: transport}}))
	if err != nil {
		return nil, err
	}
	return app.Messaging(ctx)
}
