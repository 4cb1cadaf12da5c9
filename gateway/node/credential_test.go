package node

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// rotation is one application whose files the test changes.
type rotation struct {
	t       *testing.T
	dir     string
	log     bytes.Buffer
	all     *providers
	written time.Time
}

func startRotation(t *testing.T, app config.App, ca []byte, files map[string]string) *rotation {
	t.Helper()
	r := &rotation{t: t, dir: t.TempDir(), written: time.Now()}
	r.write("ca.pem", string(ca))
	for name, content := range files {
		r.write(name, content)
	}
	at := func(name string) string { return filepath.Join(r.dir, name) }
	app.Tenant, app.CAFile = "acme", config.File(at("ca.pem"))
	if app.Provider == config.ProviderAPNs {
		app.KeyFile, app.KeyIDFile = config.SecretFile(at("key")), config.File(at("id"))
	} else {
		app.CredentialsFile = config.SecretFile(at("key"))
	}
	var err error
	r.all, err = newProviders(parts{
		cfg: &config.Config{Push: config.Push{Apps: []config.App{app}}}, registry: prometheus.NewRegistry(),
		log: slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.all.close)
	return r
}

// write changes a file; its time moves on however coarse the file system's
// clock is.
func (r *rotation) write(name, content string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	r.written = r.written.Add(time.Second)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Chtimes(path, r.written, r.written); err != nil {
		r.t.Fatal(err)
	}
}

// follow looks at the files once.
func (r *rotation) follow() (replaced bool) { return r.all.credentials[0].follow(r.t.Context()) }

// wantSent sends a message.
func (r *rotation) wantSent(want push.Verdict) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	for _, p := range r.all.apps {
		got := p.Send(ctx, push.Message{
			App: "app", Token: strings.Repeat("ab", 32), ID: uuid.New(), Content: push.Content{Title: "News"}, Expiry: time.Now().Add(time.Hour),
		})
		if got.Verdict != want {
			r.t.Errorf("verdict %s (%s), want %s", got.Verdict, got.Reason, want)
		}
	}
}

// wantSaid takes the log, which must hold one line with this, or nothing at all.
func (r *rotation) wantSaid(what string) {
	r.t.Helper()
	said := r.log.String()
	r.log.Reset()
	if what == "" && said == "" {
		return
	}
	if what == "" || strings.Count(said, "\n") != 1 || !strings.Contains(said, what) {
		r.t.Errorf("said %q, want one line with %q", said, what)
	}
	if strings.Contains(said, "PRIVATE") || strings.Contains(said, "MIG") {
		r.t.Errorf("the log shows a key: %s", said)
	}
}

func TestAPNsKeysRotate(t *testing.T) {
	sim, other := startAPNs(t), startAPNs(t)
	r := startRotation(t, config.App{
		App: "app", Provider: config.ProviderAPNs, Environment: "production", TeamID: sim.TeamID(), Topic: "app", Endpoint: sim.URL(),
	}, sim.CAPEM(), map[string]string{"key": string(sim.Key()), "id": sim.KeyID()})
	r.wantSent(push.Delivered)
	r.follow()
	r.wantSaid("")

	// Another key under the same id, which Apple does not take.
	r.write("key", string(other.Key()))
	if r.follow() {
		t.Error("a credential that is refused counts as replaced")
	}
	r.wantSaid("result=refused")
	r.wantSent(push.Delivered)
	if r.all.waiting() != 1 {
		t.Error("it is not shown that a credential is not in use")
	}
	r.follow()
	r.wantSaid("") // once a change

	// No key at all, half a file.
	r.write("key", string(sim.Key()[:40]))
	r.follow()
	r.wantSaid("result=unreadable")
	r.wantSent(push.Delivered)

	// The former one again.
	r.write("key", string(sim.Key()))
	r.follow()
	r.wantSaid("")
	if r.all.waiting() != 0 {
		t.Error("the credential in use counts as not in use")
	}

	// Another id.
	r.write("id", "OTHERKEY01")
	r.follow()
	r.wantSaid("result=refused")
	r.wantSent(push.Delivered)
}

// The key in use is revoked, and another one, under another id or under the
// same, takes its place.
func TestARevokedKeyIsReplaced(t *testing.T) {
	for name, first := range map[string]func(sim, other *pushtest.APNs) map[string]string{
		"id": func(sim, _ *pushtest.APNs) map[string]string {
			return map[string]string{"key": string(sim.Key()), "id": "OTHERKEY01"}
		},
		"content": func(sim, other *pushtest.APNs) map[string]string {
			return map[string]string{"key": string(other.Key()), "id": sim.KeyID()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			sim, other := startAPNs(t), startAPNs(t)
			r := startRotation(t, config.App{
				App: "app", Provider: config.ProviderAPNs, Environment: "production", TeamID: sim.TeamID(), Topic: "app", Endpoint: sim.URL(),
			}, sim.CAPEM(), first(sim, other))
			r.wantSent(push.PauseApp)
			r.write("key", string(sim.Key()))
			r.write("id", sim.KeyID()+"\n")
			if !r.follow() || r.follow() {
				t.Error("it is not told, once, that the credential was replaced")
			}
			r.wantSaid("takes the changed credential")
			r.wantSent(push.Delivered)
		})
	}
}

func TestServiceAccountsRotate(t *testing.T) {
	sim, other := startFCM(t), startFCM(t)
	foreign := strings.ReplaceAll(string(other.ServiceAccount()), other.URL(), sim.URL())
	r := startRotation(t, config.App{App: sim.Project(), Provider: config.ProviderFCM, Endpoint: sim.URL()}, sim.CAPEM(),
		map[string]string{"key": string(sim.ServiceAccount())})
	r.wantSent(push.Delivered)
	r.write("key", foreign)
	r.follow()
	if !strings.Contains(r.log.String(), "result=refused") {
		t.Errorf("said %s", r.log.String())
	}
	r.wantSent(push.Delivered)
	// Google is away: it is not known whether the account is good.
	r.log.Reset()
	sim.AnswerOAuth(pushtest.Reply{Status: 502})
	changed := string(sim.ServiceAccount()) + "\n"
	r.write("key", changed)
	r.follow()
	if !strings.Contains(r.log.String(), "result=untried") {
		t.Errorf("said %s", r.log.String())
	}
	r.log.Reset()
	r.all.credentials[0].againAt = time.Now()
	r.follow()
	r.wantSaid("takes the changed credential")
	r.wantSent(push.Delivered)
}

func startAPNs(t *testing.T) *pushtest.APNs {
	t.Helper()
	sim, err := pushtest.NewAPNs(pushtest.APNsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	return sim
}

func startFCM(t *testing.T) *pushtest.FCM {
	t.Helper()
	sim, err := pushtest.NewFCM(pushtest.FCMOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	return sim
}
