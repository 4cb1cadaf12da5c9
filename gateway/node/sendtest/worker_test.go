//go:build unix

package sendtest

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/apns"
	"github.com/hawser-edge/hawser/push/fcm"
	"github.com/hawser-edge/hawser/push/pushtest/remote"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// work runs a push worker until ctx ends.
func work(ctx context.Context, js jetstream.JetStream, s notedSystem, providers map[push.AppKey]push.Provider) error {
	w, err := push.NewWorker(push.Config{
		Presence: s, Records: s, Heads: s, Events: s,
		Policy: func(string, string) push.Defaults { return push.Defaults{Title: "New message"} },
		Apps:   providers, Gather: time.Millisecond, GatherHigh: time.Millisecond,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	var both sync.WaitGroup
	defer both.Wait()
	both.Go(func() { _ = w.Run(ctx) })
	return pushqueue.Consume(ctx, js, pushqueue.ConsumeConfig{Name: "p1"}, func(d *pushqueue.Delivery) {
		s.log.note(d.Job.Tenant, d.Job.User, hopHanded)
		w.Handle(push.Job(d.Job), d)
	})
}

// workerOptions are told to the role "worker". After that it is asked for the
// hops of the tenant "good", with any value, and answers with a map of hopTimes.
type workerOptions struct {
	URL      string
	Password string
	Apps     []appOptions
}

// appOptions say where an application's pushes go.
type appOptions struct {
	Key     push.AppKey
	Service remote.State
	// Revoked: its credential is not one that the service knows.
	Revoked bool
}

func serveWorker(in *json.Decoder, out io.Writer) error {
	var o workerOptions
	if err := in.Decode(&o); err != nil {
		return err
	}
	user := routing.User{Role: routing.RolePush, Label: "p1"}
	nc, err := nats.Connect(o.URL, nats.UserInfo(user.Name(), o.Password),
		nats.CustomInboxPrefix(routing.InboxPrefix(user.Role, user.Label)))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	s := notedSystem{system{map[string]push.AppKey{}}, newHopLog("good")}
	providers := map[push.AppKey]push.Provider{}
	for _, a := range o.Apps {
		p, err := a.provider()
		if err != nil {
			return err
		}
		defer p.Close()
		s.apps[a.Key.Tenant], providers[a.Key] = a.Key, notedProvider{p, a.Key.Tenant, s.log}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var answers sync.WaitGroup
	defer answers.Wait()
	answers.Go(func() {
		defer cancel()
		for in.Decode(new(json.RawMessage)) == nil {
			if json.NewEncoder(out).Encode(s.log.take()) != nil {
				return
			}
		}
	})
	return work(ctx, js, s, providers)
}

// provider is one that ends.
type provider interface {
	push.Provider
	Close()
}

func (a appOptions) provider() (provider, error) {
	log := slog.New(slog.DiscardHandler)
	if a.Key.Platform == push.IOS {
		return a.apns(log)
	}
	s := a.Service.FCM
	account, roots, err := credentials(s.CredentialsFile, s.CAFile)
	if err != nil {
		return nil, err
	}
	return fcm.New(fcm.Config{Credentials: account, Endpoint: s.URL, RootCAs: roots, Log: log})
}

// pooled is an application of APNs with a pool of its own.
type pooled struct {
	push.Provider
	pool *apns.Pool
}

func (p pooled) Close() { p.pool.Close() }

func (a appOptions) apns(log *slog.Logger) (provider, error) {
	s := a.Service.APNs
	key, roots, err := credentials(s.KeyFile, s.CAFile)
	if err != nil {
		return nil, err
	}
	if a.Revoked {
		s.KeyID = "REVOKEDKEY"
	}
	pool := apns.NewPool(log)
	app, err := pool.App(apns.Config{
		TeamID: s.TeamID, KeyID: s.KeyID, Key: key, Topic: "org.example.chat", Endpoint: s.URL, RootCAs: roots,
	})
	if err != nil {
		pool.Close()
		return nil, err
	}
	return pooled{app, pool}, nil
}

var errRoots = errors.New("no certificate")

// credentials reads what an application proves itself with, and the
// authorities of its push service.
func credentials(file, caFile string) (credential []byte, roots *x509.CertPool, err error) {
	if credential, err = os.ReadFile(file); err != nil {
		return nil, nil, err
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, nil, err
	}
	roots = x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, nil, fmt.Errorf("%w in %s", errRoots, caFile)
	}
	return credential, roots, nil
}
