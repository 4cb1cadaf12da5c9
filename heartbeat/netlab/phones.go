package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
)

// The phones of a home are a process of their own: the Go SDK as an
// application uses it, in the home's network.

// phoneConfig is what such a process is told, in a file.
type phoneConfig struct {
	Addr      string
	CA        string // the file of the authority that signs for edges
	Transport string
	Scale     int
	Phones    []phone
}

// A phone is one device.
type phone struct {
	User, Device, Token string
}

// A sighting is a line of what such a process prints.
type sighting struct {
	User string
	At   time.Time
	// Heard is a version of the kind that was just told, with those before it.
	Heard int64 `json:",omitempty"`
	// Phase is what the client began to do, Why what ended the connection or
	// the attempt before.
	Phase client.Phase `json:",omitempty"`
	Why   string       `json:",omitempty"`
	// Interval is the time between heartbeats from now on.
	Interval time.Duration `json:",omitempty"`
	// Still is how long the machine stopped the process, where that is too
	// long.
	Still time.Duration `json:",omitempty"`
}

// lookEvery is how often a phone's interval is looked at, in heartbeats' time.
const lookEvery = 20 * time.Second

// runPhones keeps the phones of a file connected until ctx ends.
func runPhones(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("%w: phones takes a file", errUsage)
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var cfg phoneConfig
	if err := json.Unmarshal(text, &cfg); err != nil {
		return fmt.Errorf("read %s: %w", args[0], err)
	}
	roots, err := trust(cfg.CA)
	if err != nil {
		return err
	}
	say := &sayer{out: json.NewEncoder(stdout)}
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() {
		feel(ctx, scaled(pulse, cfg.Scale), func() {}, func(d time.Duration) {
			if d > scaled(mostStill, cfg.Scale) {
				say.say(sighting{Still: d})
			}
		})
	})
	for _, p := range cfg.Phones {
		c, err := p.client(cfg, roots, say, log.With("phone", p.User))
		if err != nil {
			return err
		}
		work.Go(func() {
			if err := c.Run(ctx); err != nil && ctx.Err() == nil {
				say.say(sighting{User: p.User, Why: err.Error()})
			}
		})
		work.Go(func() { watchInterval(ctx, c, scaled(lookEvery, cfg.Scale), p.User, say) })
	}
	return nil
}

func trust(file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	// The development edge's certificate knows it by this address alone.
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13, ServerName: "127.0.0.1"}, nil
}

// client is the phone's. It is in the background, as a phone in a pocket is.
func (p phone) client(cfg phoneConfig, roots *tls.Config, say *sayer, log *slog.Logger) (*client.Client, error) {
	return client.New(client.Config{
		Addr: cfg.Addr, Transport: cfg.Transport, TLS: roots, HeartbeatScale: cfg.Scale,
		Token:      func(context.Context) (string, error) { return p.Token, nil },
		Background: true, Network: client.Network{Radio: client.Radio4G},
		OnEvent: func(_ context.Context, e client.Event) error {
			if e.Kind == kindOfAll {
				say.say(sighting{User: p.User, At: e.HeardAt, Heard: e.Version})
			}
			return nil
		},
		OnState: func(s client.State) {
			line := sighting{User: p.User, Phase: s.Phase}
			if s.Err != nil {
				line.Why = s.Err.Error()
			}
			say.say(line)
		},
		Log: log,
	})
}

// watchInterval tells of each change.
func watchInterval(ctx context.Context, c *client.Client, every time.Duration, user string, say *sayer) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	var last time.Duration
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
		if now := c.Interval(); now != last && now > 0 {
			last = now
			say.say(sighting{User: user, Interval: now})
		}
	}
}

// sayer prints lines one at a time.
type sayer struct {
	mu  sync.Mutex
	out *json.Encoder // Guarded by mu.
}

func (s *sayer) say(line sighting) {
	if line.At.IsZero() {
		line.At = time.Now()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.out.Encode(line) // the one who listened is gone, and so is this soon
}
