package apns

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sideshow/apns2"

	"github.com/hawser-edge/hawser/push/devicelimit"
	"github.com/hawser-edge/hawser/push/h2conn"
)

// maxConns bounds the connections for tokens that Apple accepted before. Each
// carries 900 requests; the one for other tokens comes on top, and takes what
// is too much for the first.
const maxConns = 2

// Pool holds the connections to Apple, shared by the applications of one team
// and key in one environment. Make one with NewPool and keep it: Apple wants
// connections to live for days.
type Pool struct {
	// Static after construction.
	log *slog.Logger

	// Guarded by mu.
	mu      sync.Mutex
	senders map[senderKey]*sender
	closed  bool
}

// senderKey: a connection carries the tokens of one team only, and a key is
// good for its own environment.
type senderKey struct{ team, key, endpoint string }

// sender is what the applications of one team, key and environment share.
type sender struct {
	// Static after construction.
	p8     []byte
	bearer *bearer
	client *apns2.Client
	h2     *h2conn.Client
	known  *recent // tokens that Apple accepted before; others take the side lane
	rest   rest
	// devices holds back those that Apple said had too many messages. Of its
	// advice, two or three background pushes an hour, nothing is kept here:
	// Apple delivers more where the device has power to spare.
	devices *devicelimit.Limit
}

// NewPool returns an empty pool.
func NewPool(log *slog.Logger) *Pool { return &Pool{log: log, senders: map[senderKey]*sender{}} }

// App returns the provider of one application. It connects with the first
// message.
func (p *Pool) App(cfg Config) (*App, error) {
	endpoint, err := cfg.endpoint()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, h2conn.ErrClosed
	}
	k := senderKey{cfg.TeamID, cfg.KeyID, endpoint.String()}
	s := p.senders[k]
	if s == nil {
		if s, err = newSender(cfg, endpoint, p.log); err != nil {
			return nil, err
		}
		p.senders[k] = s
	}
	if !bytes.Equal(bytes.TrimSpace(s.p8), bytes.TrimSpace(cfg.Key)) {
		return nil, fmt.Errorf("%w: key %s of team %s is given twice with different content", ErrConfig, cfg.KeyID, cfg.TeamID)
	}
	return &App{topic: cfg.Topic, sender: s}, nil
}

// Close ends all connections. Messages under way fail.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, s := range p.senders {
		s.h2.Close()
	}
}

func newSender(cfg Config, endpoint *url.URL, log *slog.Logger) (*sender, error) {
	b, err := newBearer(cfg.TeamID, cfg.KeyID, cfg.Key)
	if err != nil {
		return nil, err
	}
	addr := endpoint.Host
	if endpoint.Port() == "" {
		addr += ":443"
	}
	h2 := h2conn.Config{
		Addr:      addr,
		MaxConns:  maxConns,
		TLS:       &tls.Config{ServerName: endpoint.Hostname(), RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
		MaxAnswer: maxAnswer,
		// Apple counts how often the provider token changes on each connection.
		Credential: func() (string, error) {
			text, err := b.get(time.Now())
			return "bearer " + text, err
		},
		CredentialEvery: minRefresh,
		Leaves:          leaves,
		Log:             log,
	}
	return &sender{
		p8:     bytes.Clone(cfg.Key),
		bearer: b,
		client: &apns2.Client{Host: endpoint.String(), HTTPClient: &http.Client{
			Transport:     transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}},
		h2:      h2conn.New(h2),
		known:   newRecent(),
		devices: devicelimit.New(devicelimit.Rate{Burst: 1}, generation),
	}, nil
}

// lane keeps tokens that Apple may reject from the connections of the others.
func (s *sender) lane(token string) h2conn.Lane {
	if s.known.has(token) {
		return h2conn.Main
	}
	return h2conn.Side
}
