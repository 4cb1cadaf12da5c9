package node

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/push"
)

// Files are looked at every ten seconds. Of the applications the one whose
// credential was replaced is told of, once, so that its pushes go on; not the one
// whose new credential is refused, whose pushes would fail again.
func TestReplacedCredentialsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, dir := &providers{}, t.TempDir()
		write := func(app, content string) {
			if err := os.WriteFile(filepath.Join(dir, app), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		key := func(app string) push.AppKey { return push.AppKey{Tenant: "acme", Platform: push.Android, App: app} }
		changes := newCredentialMetrics(nil, all.waiting)
		for _, app := range []string{"first", "second"} {
			write(app, "secret")
			c := &credential{
				app: config.App{
					Tenant: "acme", App: app, Provider: config.ProviderFCM, CredentialsFile: config.SecretFile(filepath.Join(dir, app)),
				},
				log: slog.New(slog.NewTextHandler(io.Discard, nil)), changes: changes, open: openTrial,
			}
			if err := c.first(nil); err != nil {
				t.Fatal(err)
			}
			all.credentials = append(all.credentials, c)
		}

		var told []push.AppKey
		ended := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { ended <- all.run(ctx, func(k push.AppKey) { told = append(told, k) }) }()
		wantTold := func(after time.Duration, want ...push.AppKey) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if !slices.Equal(told, want) {
				t.Errorf("told of %v, want %v", told, want)
			}
		}
		wantTold(time.Minute)
		write("second", "another secret")
		wantTold(11*time.Second, key("second"))
		wantTold(time.Minute, key("second"))
		write("first", refusedSecret)
		wantTold(time.Minute, key("second"))
		write("first", "a third secret")
		wantTold(11*time.Second, key("second"), key("first"))
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// refusedSecret is a credential that the push service of trial refuses.
const refusedSecret = "a secret that is refused"

// trial is a push service that takes any credential but one, without a network:
// that has no virtual time.
type trial struct {
	push.Checker
	secret string
}

func openTrial(_ config.App, m material) (push.Checker, func(), error) {
	return trial{secret: string(m.secret)}, func() {}, nil
}

func (p trial) Check(context.Context) push.Diagnosis {
	if p.secret == refusedSecret {
		return push.Diagnosis{Finding: push.CredentialRefused}
	}
	return push.Diagnosis{Finding: push.CredentialWorks}
}
