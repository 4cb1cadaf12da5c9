package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/push"
)

const (
	// trialTimeout bounds the dry run of a changed credential.
	trialTimeout = 15 * time.Second
	// trialAgain is how soon a dry run that told nothing is repeated: the push
	// service was not reached.
	trialAgain = time.Minute
)

// A credential of an application is read anew when its files change, tried, and
// used once the push service takes it: a rotation needs no restart, and a wrong
// key stops nothing.
type credential struct {
	// Static after first.
	app      config.App
	log      *slog.Logger
	changes  *prometheus.CounterVec
	open     func(config.App, material) (push.Checker, func(), error)
	provider *push.Rotating

	// unused says that the files hold another credential than the one in use.
	unused atomic.Bool

	// Owned by follow after first.
	seen    []stamp
	used    material
	againAt time.Time // of a dry run that told nothing; zero: none
}

// material is what the files hold.
type material struct {
	keyID  string // of APNs
	secret push.Secret
}

func (m material) same(as material) bool {
	return m.keyID == as.keyID && bytes.Equal(m.secret, as.secret)
}

// What became of a changed credential.
const (
	changeUsed       = "used"
	changeRefused    = "refused"
	changeUnreadable = "unreadable"
	changeUntried    = "untried"
)

// newCredentialMetrics registers the metrics; a nil registry, as of a command
// that tries a credential, takes none.
func newCredentialMetrics(registry *prometheus.Registry, waiting func() float64) *prometheus.CounterVec {
	var reg prometheus.Registerer
	if registry != nil {
		reg = registry
	}
	p := metric.For(reg, "push")
	p.GaugeFunc("credentials_unused", "Applications whose files hold a changed credential that is not in use: look at the log.", waiting)
	return p.CounterVec("credential_changes_total", "Changed credentials of push services, by what became of them.",
		metric.By("result", changeUsed, changeRefused, changeUnreadable, changeUntried))
}

func (c *credential) key() push.AppKey {
	platform := push.Android
	if c.app.Provider == config.ProviderAPNs {
		platform = push.IOS
	}
	return push.AppKey{Tenant: c.app.Tenant, Platform: platform, App: c.app.App}
}

var errTwoKeys = errors.New("two applications give it with different content: one of the files is another key's")

// first opens the provider without trying the credential: a push service that
// is away must not keep the process from starting. keys are those of the
// applications before it.
func (c *credential) first(keys map[string]string) error {
	c.seen = c.stamps()
	m, err := c.read()
	if err != nil {
		return err
	}
	if c.app.Provider == config.ProviderAPNs {
		id, content := c.app.TeamID+" "+m.keyID, string(bytes.TrimSpace(m.secret))
		if former, ok := keys[id]; ok && former != content {
			return fmt.Errorf("key %s of team %s: %w", m.keyID, c.app.TeamID, errTwoKeys)
		}
		keys[id] = content
	}
	provider, end, err := c.open(c.app, m)
	if err != nil {
		return err
	}
	c.used, c.provider = m, push.NewRotating(provider, end)
	return nil
}

func (c *credential) read() (m material, err error) {
	if c.app.Provider == config.ProviderAPNs {
		if m.keyID, err = c.app.ReadKeyID(); err != nil {
			return m, err
		}
	}
	m.secret, err = c.app.Secret()
	return m, err
}

func (c *credential) stamps() []stamp {
	var all []stamp
	for _, name := range c.app.CredentialFiles() {
		var s stamp
		if info, err := os.Stat(name); err == nil {
			s = stamp{info.ModTime(), info.Size()}
		}
		all = append(all, s)
	}
	return all
}

// follow looks whether the files have changed, and tries what they hold. What
// is of no use is logged once a change and the credential in use stays. It
// reports whether another one is in use now.
func (c *credential) follow(ctx context.Context) (replaced bool) {
	now := c.stamps()
	again := !c.againAt.IsZero() && !time.Now().Before(c.againAt)
	if slices.Equal(now, c.seen) && !again {
		return false
	}
	c.seen, c.againAt = now, time.Time{}
	m, err := c.read()
	switch {
	case err != nil:
		c.keep(changeUnreadable, "error", err)
	case m.same(c.used):
		c.unused.Store(false)
	default:
		return c.try(ctx, m, again)
	}
	return false
}

// try makes the dry run, and the switch if the push service takes the
// credential. Messages under way end with the old one.
func (c *credential) try(ctx context.Context, m material, again bool) (replaced bool) {
	provider, end, err := c.open(c.app, m)
	if err != nil {
		c.keep(changeUnreadable, "error", err)
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	switch d := provider.Check(ctx); d.Finding {
	case push.CredentialWorks:
		c.provider.Replace(provider, end)
		c.used = m
		c.unused.Store(false)
		c.changes.WithLabelValues(changeUsed).Inc()
		c.named().Info("the push service takes the changed credential; it is in use", "key_id", m.keyID)
		return true
	case push.CredentialRefused:
		c.keep(changeRefused, "key_id", m.keyID, "reason", d.Reason, "problem", d.Problem, "remedy", d.Remedy)
	default:
		c.againAt = time.Now().Add(trialAgain)
		if !again {
			c.keep(changeUntried, "key_id", m.keyID, "reason", d.Reason, "problem", d.Problem, "again_after_s", trialAgain.Seconds())
		}
	}
	end()
	return false
}

func (c *credential) keep(result string, about ...any) {
	c.unused.Store(true)
	c.changes.WithLabelValues(result).Inc()
	c.named().Error("the changed push credential is not used, the one in use stays", append([]any{"result", result}, about...)...)
}

func (c *credential) named() *slog.Logger {
	return c.log.With("tenant", c.app.Tenant, "provider", c.app.Provider, "app", c.app.App)
}
