package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// attempt remembers what one client offered in its hello, because the errors
// of crypto/tls do not tell it. It travels in the handshake's context.
type attempt struct {
	// verdict is a Reject reason that is already certain. Written by the
	// handshake, read when the connection has ended.
	verdict atomic.Value // string
}

type attemptKey struct{}

func withAttempt(ctx context.Context, a *attempt) context.Context {
	return context.WithValue(ctx, attemptKey{}, a)
}

func attemptFrom(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

// decide notes a reason unless there is one already.
func (a *attempt) decide(reason string) {
	a.verdict.CompareAndSwap(nil, reason)
}

// reason is the verdict, or what the error says.
func (a *attempt) reason(err error) string {
	if v, ok := a.verdict.Load().(string); ok {
		return v
	}
	return classify(err)
}

func (a *attempt) inspect(hello *tls.ClientHelloInfo) {
	switch {
	case !slices.Contains(hello.SupportedVersions, tls.VersionTLS13):
		a.decide(RejectTLSVersion)
	case !slices.Contains(hello.SupportedProtos, wire.ALPN):
		a.decide(RejectALPN)
	}
}

// serverTLS is the caller's configuration with our protocol, our version and a
// look at each hello.
func serverTLS(base *tls.Config) (*tls.Config, error) {
	if base == nil || (len(base.Certificates) == 0 && base.GetCertificate == nil && base.GetConfigForClient == nil) {
		return nil, errors.New("transport: ListenConfig.TLS has no certificate: set Certificates or GetCertificate")
	}
	cfg := ours(base)
	choose := base.GetConfigForClient
	cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if a := attemptFrom(hello.Context()); a != nil {
			a.inspect(hello)
		}
		if choose == nil {
			return nil, nil
		}
		chosen, err := choose(hello)
		if chosen == nil || err != nil {
			return nil, err
		}
		return ours(chosen), nil
	}
	return cfg, nil
}

// clientTLS is the caller's configuration for the server at host.
func clientTLS(base *tls.Config, host string) *tls.Config {
	if base == nil {
		base = &tls.Config{}
	}
	cfg := ours(base)
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	return cfg
}

func ours(base *tls.Config) *tls.Config {
	cfg := base.Clone()
	cfg.NextProtos = []string{wire.ALPN}
	cfg.MinVersion = tls.VersionTLS13
	return cfg
}
