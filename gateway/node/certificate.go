package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/metric"
)

// certificatePoll is how often the files are looked at: certificates are
// renewed days before they expire.
const certificatePoll = 10 * time.Second

// From certificateSoon before a certificate expires a line a day says so.
const (
	certificateSoon  = 7 * 24 * time.Hour
	certificateAgain = 24 * time.Hour
)

// A certificate is read from its files anew when they change, so that a
// renewal needs no restart and breaks no connection.
type certificate struct {
	// Static after loadCertificate.
	files config.TLS
	log   *slog.Logger

	current atomic.Pointer[tls.Certificate]

	// Owned by run after loadCertificate.
	seen   [2]stamp
	warnAt time.Time
}

// A stamp tells whether a file has changed.
type stamp struct {
	modified time.Time
	size     int64
}

// loadCertificate also adds the metric of when the certificate ends.
func loadCertificate(files config.TLS, role config.Role, p parts) (*certificate, error) {
	c := &certificate{files: files, log: p.log}
	if err := c.load(); err != nil {
		return nil, err
	}
	metric.For(p.registry, "tls").With("role", string(role)).GaugeFunc("certificate_expires_timestamp_seconds",
		"When the certificate in use expires: clients refuse it from then on.",
		func() float64 { return float64(c.current.Load().Leaf.NotAfter.Unix()) })
	return c, nil
}

func (c *certificate) load() error {
	c.seen = c.stamps()
	pair, err := tls.LoadX509KeyPair(string(c.files.CertFile), string(c.files.KeyFile))
	if err != nil {
		return fmt.Errorf("load the certificate %s: %w", c.files.CertFile, err)
	}
	if end := pair.Leaf.NotAfter; time.Now().After(end) {
		return fmt.Errorf("%s expired on %s: %w", c.files.CertFile, end.UTC().Format(time.DateOnly), errExpired)
	}
	c.current.Store(&pair)
	return nil
}

var errExpired = errors.New("devices would refuse it, renew it")

func (c *certificate) stamps() (s [2]stamp) {
	for i, name := range []string{string(c.files.CertFile), string(c.files.KeyFile)} {
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

// run follows the files until ctx ends. What cannot be used is logged once a
// change and the certificate in use stays.
func (c *certificate) run(ctx context.Context) error {
	ticker := time.NewTicker(certificatePoll)
	defer ticker.Stop()
	for {
		c.warn(time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if c.stamps() == c.seen {
			continue
		}
		if err := c.load(); err != nil {
			c.log.Error("the changed certificate cannot be used, the one in use stays", "error", err)
			continue
		}
		c.log.Info("loaded the changed certificate", "file", c.files.CertFile)
	}
}

// warn says once a day that the certificate is to be renewed.
func (c *certificate) warn(now time.Time) {
	end := c.current.Load().Leaf.NotAfter
	if end.Sub(now) > certificateSoon || now.Before(c.warnAt) {
		return
	}
	c.warnAt = now.Add(certificateAgain)
	c.log.Warn("the certificate expires soon or has expired: renew it, no restart is needed",
		"file", c.files.CertFile, "expires", end.UTC().Format(time.RFC3339))
}

// get is a tls.Config's GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}
