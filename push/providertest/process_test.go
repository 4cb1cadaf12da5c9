package providertest_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/apns"
	"github.com/hawser-edge/hawser/push/fcm"
	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/push/pushtest/remote"
)

// simulators runs both as their process does, and reads what it says.
func simulators(t *testing.T) (remote.State, remote.Client) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := remote.Run(ctx, remote.Options{Dir: t.TempDir()}, w)
		_ = w.Close()
		ended <- err
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var s remote.State
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s, remote.Client{Control: s.Control}
}

func file(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func roots(t *testing.T, path string) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(file(t, path))
	return pool
}

// Senders reach simulators in a process of their own with the files that it
// leaves, and what it says afterwards is what happened.
func TestSimulatorsOutsideTheProcess(t *testing.T) {
	s, control := simulators(t)
	quiet := slog.New(slog.DiscardHandler)
	pool := apns.NewPool(quiet)
	t.Cleanup(pool.Close)
	app, err := pool.App(apns.Config{
		TeamID: s.APNs.TeamID, KeyID: s.APNs.KeyID, Key: file(t, s.APNs.KeyFile), Topic: bundle,
		Endpoint: s.APNs.URL, RootCAs: roots(t, s.APNs.CAFile),
	})
	if err != nil {
		t.Fatal(err)
	}
	project, err := fcm.New(fcm.Config{
		Credentials: file(t, s.FCM.CredentialsFile), Endpoint: s.FCM.URL, RootCAs: roots(t, s.FCM.CAFile), Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(project.Close)
	for provider, sender := range map[string]push.Provider{remote.APNs: app, remote.FCM: project} {
		script := remote.Script{Provider: provider, Answers: []remote.Reply{{}, {Break: pushtest.ResetAfter}}}
		if err := control.Play(t.Context(), script); err != nil {
			t.Fatal(err)
		}
		for i, want := range []push.Verdict{push.Delivered, push.RetryAfter, push.Delivered} {
			if r := sender.Send(t.Context(), numbered(min(i, 1))); r.Verdict != want {
				t.Errorf("%s: %+v", provider, r)
			}
		}
		all, err := control.Requests(t.Context(), provider, 0)
		if err != nil || len(all) != 3 {
			t.Fatalf("%s: %+v, %v", provider, all, err)
		}
		if r := all[1]; r.Accepted.IsZero() || r.Status != 0 || r.Broken != "reset after" {
			t.Errorf("%s: the broken request is %+v", provider, r)
		}
	}
	status, err := control.Status(t.Context())
	if err != nil || status.APNs.Taken != 3 || status.FCM.Taken != 3 || status.APNs.Duplicates+status.FCM.Duplicates != 0 {
		t.Errorf("%+v, %v", status, err)
	}
}
