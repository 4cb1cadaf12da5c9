package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// The values of Config.Transport.
const (
	Auto = "auto" // QUIC, and TCP where QUIC does not work
	QUIC = "quic"
	TCP  = "tcp"
)

// maxScale keeps scaled times above a millisecond.
const maxScale = 1000

// Limits of the texts in Hello, in bytes; those of the wire.
const (
	maxApp        = 256
	maxAppVersion = 64
	maxPushToken  = 4096
	maxIDHash     = 32
)

// Config describes a device and what its application wants to hear.
type Config struct {
	// Addr is the edge, host:port, the same for TCP and QUIC. It may be several
	// with commas between them, and a name may have several addresses: they are
	// tried in this order, the next one as soon as one refuses, or after a
	// second. At most 8 count. It may be empty if Dial is set.
	Addr string
	// Transport is Auto, QUIC or TCP. Empty means Auto.
	Transport string
	// TLS verifies the edge. Nil uses the system's roots and the name in Addr.
	TLS *tls.Config
	// PostQuantum offers the edge a key exchange with ML-KEM, so that what
	// somebody records today stays secret from the quantum computers of later.
	// It costs the device 2.3 KB a connection, and the edge more CPU and
	// memory. CurvePreferences of TLS, where they are set, count instead.
	PostQuantum bool
	// Token returns the device's JWT. It is called before each Hello, and when
	// the edge says that the token is about to expire; it may return the same
	// one while that is valid. Required.
	Token func(context.Context) (string, error)

	// Platform is that of the push provider.
	Platform Platform
	// App is the application's identifier at its push provider, at most 256
	// bytes. AppVersion is for logs, at most 64. PushToken is the provider's
	// token, at most 4096; empty leaves a stored one as it is.
	App, AppVersion, PushToken string
	// Background says whether the application starts in the background.
	Background bool
	// Network is the device's network at the start.
	Network Network

	// Store keeps the versions over restarts. Nil keeps them in memory.
	Store Store
	// OnEvent receives what is new. Calls for one kind come one after the
	// other, those of different kinds at the same time. An error has the same
	// event handed over again after a while. Its context ends with Run, which
	// waits for it. Nil accepts everything.
	OnEvent func(context.Context, Event) error
	// OnState is told how the connection fares, in order. It must not block.
	OnState func(State)
	// Decode parses the body of the answer to a sync of a kind that the
	// backend numbers and whose backend does not answer with a SyncResponse of
	// the wire. Nil expects a SyncResponse for every kind.
	Decode func(kind string, body []byte) (Page, error)

	// RequestTimeout bounds a Request whose context has no deadline. Zero
	// means 30 s.
	RequestTimeout time.Duration
	// HeartbeatScale has heartbeats' time pass that many times as fast, at most
	// 1000, as edge.heartbeat.time_scale does at the edge: for tests against
	// NATs that forget within seconds. Zero means 1.
	HeartbeatScale int
	// Dial replaces the dialing of Addr, for tests. It is called for transport
	// kinds QUIC and TCP and for each part of Addr, and must obey its context.
	Dial func(ctx context.Context, kind transport.Kind, addr string) (transport.Conn, error)
	// Log receives what an operator may want to know. It never gets a token
	// or an item. Nil drops it.
	Log *slog.Logger
}

func (cfg Config) checked() (Config, error) {
	if cfg.Token == nil {
		return cfg, errors.New("client: Config.Token is missing: set a function that returns the device's JWT")
	}
	switch cfg.Transport {
	case "":
		cfg.Transport = Auto
	case Auto, QUIC, TCP:
	default:
		return cfg, fmt.Errorf("client: Config.Transport is %q: use auto, quic or tcp", cfg.Transport)
	}
	if err := cfg.checkTexts(); err != nil {
		return cfg, err
	}
	if cfg.Dial == nil {
		if err := checkAddrs(cfg.Addr); err != nil {
			return cfg, err
		}
	}
	return cfg.withDefaults(), nil
}

func (cfg Config) checkTexts() error {
	return errors.Join(
		checkLength("App", cfg.App, maxApp),
		checkLength("AppVersion", cfg.AppVersion, maxAppVersion),
		checkLength("PushToken", cfg.PushToken, maxPushToken),
		cfg.Network.check(),
	)
}

func checkLength(what, s string, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("client: %s has %d bytes, at most %d are allowed", what, len(s), limit)
	}
	return nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Store == nil {
		cfg.Store = memory{}
	}
	if cfg.OnEvent == nil {
		cfg.OnEvent = func(context.Context, Event) error { return nil }
	}
	if cfg.OnState == nil {
		cfg.OnState = func(State) {}
	}
	if cfg.Decode == nil {
		cfg.Decode = decodeSync
	}
	if cfg.RequestTimeout <= 0 {
		cfg.RequestTimeout = 30 * time.Second
	}
	cfg.HeartbeatScale = min(max(cfg.HeartbeatScale, 1), maxScale)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Platform says which push provider reaches the device.
type Platform = wirepb.Platform

// The platforms.
const (
	PlatformUnspecified = wirepb.Platform_PLATFORM_UNSPECIFIED
	PlatformIOS         = wirepb.Platform_PLATFORM_IOS
	PlatformAndroid     = wirepb.Platform_PLATFORM_ANDROID
	PlatformOther       = wirepb.Platform_PLATFORM_OTHER
)

// Radio is the technology of a network.
type Radio = wirepb.Radio

// The radios.
const (
	RadioUnspecified = wirepb.Radio_RADIO_UNSPECIFIED
	RadioWiFi        = wirepb.Radio_RADIO_WIFI
	Radio2G          = wirepb.Radio_RADIO_2G
	Radio3G          = wirepb.Radio_RADIO_3G
	Radio4G          = wirepb.Radio_RADIO_4G
	Radio5G          = wirepb.Radio_RADIO_5G
	RadioWired       = wirepb.Radio_RADIO_WIRED
)

// Network is the network as the device sees it.
type Network struct {
	Radio Radio
	// IDHash tells networks apart without naming them: a hash of the
	// network's name with a key that stays on the device. At most 32 bytes.
	IDHash []byte
}

func (n Network) check() error {
	return checkLength("Network.IDHash", string(n.IDHash), maxIDHash)
}

// body is nil for the zero Network.
func (n Network) body() *wirepb.Network {
	if n.Radio == RadioUnspecified && len(n.IDHash) == 0 {
		return nil
	}
	return &wirepb.Network{Radio: n.Radio, IdHash: append([]byte(nil), n.IDHash...)}
}
