package apns

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sideshow/apns2"

	"github.com/hawser-edge/hawser/push"
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
	push.Opaque

	// Static after construction.
	log *slog.Logger

	// Guarded by mu.
	mu      sync.Mutex
	senders map[senderKey]*sender
	closed  bool
}

// senderKey: a connection carries the tokens of one team only, and a key is
// good for its own environment. A key that is replaced is another one, though
// its id stays.
type senderKey struct {
	team, key, endpoint string
	content             [sha256.Size]byte
}

// sender is what the applications of one team, key and environment share.
type sender struct {
	push.Opaque

	// Static after construction.
	bearer *bearer
	client *apns2.Client
	h2     *h2conn.Client
	known  *recent // tokens that Apple accepted before; others take the side lane
	rest   rest
	// devices holds back those that Apple said had too many messages. Of its
	// advice, two or three background pushes an hour, nothing is kept here:
	// Apple delivers more where the device has power to spare.
	devices *devicelimit.Limit

	// Guarded by Pool.mu: applications that use it.
	users int
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
	k := senderKey{cfg.TeamID, cfg.KeyID, endpoint.String(), sha256.Sum256(bytes.TrimSpace(cfg.Key))}
	s := p.senders[k]
	if s == nil {
		if s, err = newSender(cfg, endpoint, p.log); err != nil {
			return nil, err
		}
		p.inheritLocked(s, k)
		p.senders[k] = s
	}
	s.users++
	return &App{topic: cfg.Topic, sender: s, release: sync.OnceFunc(func() { p.release(k, s) })}, nil
}

// inheritLocked hands over what was learned with another key of the team.
func (p *Pool) inheritLocked(s *sender, k senderKey) {
	for other, from := range p.senders {
		if other.team == k.team && other.endpoint == k.endpoint {
			s.known, s.devices = from.known, from.devices
			return
		}
	}
}

// release ends the connections of a key that no application uses any more.
func (p *Pool) release(k senderKey, s *sender) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.users--; s.users > 0 || p.closed {
		return
	}
	delete(p.senders, k)
	s.h2.Close()
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
