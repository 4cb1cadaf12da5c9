//go:build unix

package fcm

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/messaging"
	"golang.org/x/oauth2"
	"google.golang.org/api/option"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

func TestMain(m *testing.M) { providertest.Main(m, nil) }

// A send costs hardly more CPU than with the bare SDK over net/http's transport.
//
// Both make the same requests of the same message (TestBothSidesSendTheSame),
// each to a device of its own, a hundred at once on one connection with the same
// TLS, in one process, in rounds that take turns: one heap, one pace of its
// collector. Each has an access token that lasts. What is not the same stands
// against hawser: it words the "hawser" object for each message, where the SDK
// gets that text ready made; it bounds what a device gets; it has its own bound
// on a connection's requests; it pings a connection that is silent. For it: it
// does not ask for compressed answers, and does not have the SDK parse them.
func TestCostBesideTheBareLibrary(t *testing.T) {
	if os.Getenv("HAWSER_PUSH_COST") == "" {
		t.Skip("a measurement that wants the machine for itself: set HAWSER_PUSH_COST=1")
	}
	bare, ours := sides(t, providertest.Fake)
	ratio := providertest.Compare(t, bare, ours)
	if ratio > 1.10 {
		t.Errorf("%.2f times the CPU of the bare SDK, want 1.10 at the most", ratio)
	}
}

// What is compared is the same: path, headers and body.
func TestBothSidesSendTheSame(t *testing.T) {
	var seen []*http.Request
	var bodies []string
	bare, ours := sides(t, func(t *testing.T) (string, *x509.CertPool) {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			seen, bodies = append(seen, r), append(bodies, string(body)) // one after the other
			_, _ = io.WriteString(w, `{"name":"projects/p/messages/1"}`)
		}))
		s.EnableHTTP2 = true
		s.StartTLS()
		t.Cleanup(s.Close)
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		return s.URL, roots
	})
	for _, send := range []func(int) error{bare, ours} {
		if err := send(1); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 2 {
		t.Fatalf("%d requests", len(seen))
	}
	seen[0].Header.Del("Accept-Encoding")
	if !maps.EqualFunc(seen[0].Header, seen[1].Header, slices.Equal) || seen[0].URL.Path != seen[1].URL.Path || seen[0].Proto != seen[1].Proto {
		t.Errorf("bare %s %s %v, ours %s %s %v", seen[0].Proto, seen[0].URL, seen[0].Header, seen[1].Proto, seen[1].URL, seen[1].Header)
	}
	if bodies[0] != bodies[1] {
		t.Errorf("bare %s\nours %s", bodies[0], bodies[1])
	}
}

// sides are two senders to one service. The nth message of each goes to the nth
// device.
func sides(t *testing.T, service func(*testing.T) (string, *x509.CertPool)) (bare, ours func(int) error) {
	url, roots := service(t)
	sdk, err := bareMessaging(t.Context(), url, &http.Transport{TLSClientConfig: providertest.TLS(roots), ForceAttemptHTTP2: true})
	if err != nil {
		t.Fatal(err)
	}
	cfg := configFor(providertest.Simulator(t, pushtest.NewFCM, pushtest.FCMOptions{Project: project}))
	cfg.Endpoint, cfg.RootCAs = url, roots
	client, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	client.access.token.Store(&oauth2.Token{AccessToken: accessToken, Expiry: time.Now().Add(time.Hour)})
	var sent [2]atomic.Int64
	next := func(side int) push.Message {
		m := message()
		m.Token = fmt.Sprintf("%s-%d", device, sent[side].Add(1))
		return m
	}
	bare = func(int) error {
		_, err := sdk.Send(t.Context(), bareMessage(next(0)))
		return err
	}
	ours = func(int) error {
		if r := client.Send(t.Context(), next(1)); r.Verdict != push.Delivered {
			return fmt.Errorf("result %+v", r)
		}
		return nil
	}
	return bare, ours
}

const (
	project     = "p"
	accessToken = "a"
)

// bareMessage is m as a user of the SDK words it.
func bareMessage(m push.Message) *messaging.Message {
	ttl := time.Hour
	return &messaging.Message{
		Token:        m.Token,
		Data:         map[string]string{push.HawserKey: `{"v":1,"user":"u1","kind":"messages","version":"9007199254740991"}`},
		Notification: &messaging.Notification{Title: m.Content.Title, Body: m.Content.Body},
		Android: &messaging.AndroidConfig{
			CollapseKey: m.Collapse, Priority: "high", TTL: &ttl,
			Notification: &messaging.AndroidNotification{Sound: m.Content.Sound, Tag: m.Collapse},
		},
	}
}

// bareMessaging is the SDK as its users have it, with an access token that needs
// no fetching.
func bareMessaging(ctx context.Context, url string, transport http.RoundTripper) (*messaging.Client, error) {
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: accessToken, Expiry: time.Now().Add(time.Hour)})
	app, err := firebase.NewApp(ctx, &firebase.Config{ProjectID: project}, option.WithEndpoint(url+"/v1"),
		option.WithHTTPClient(&http.Client{Transport: &oauth2.Transport{Source: source, Base: transport}}))
	if err != nil {
		return nil, err
	}
	return app.Messaging(ctx)
}
