package client

import (
	"crypto/tls"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// sessions are what the device negotiated with edges before, for each
// transport. With that the next handshake needs no certificate, which costs an
// edge memory for as long as the connection lasts; edges of one fleet know one
// another's. A configuration with a cache of its own keeps that.
type sessions map[transport.Kind]tls.ClientSessionCache

func newSessions() sessions {
	return sessions{
		transport.QUIC: tls.NewLRUClientSessionCache(maxAddresses),
		transport.TCP:  tls.NewLRUClientSessionCache(maxAddresses),
	}
}

// config is base with the cache of a transport.
func (s sessions) config(kind transport.Kind, base *tls.Config) *tls.Config {
	if base.ClientSessionCache != nil {
		return base
	}
	config := base.Clone()
	config.ClientSessionCache = s[kind]
	return config
}
