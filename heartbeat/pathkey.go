package heartbeat

import (
	"encoding/hex"
	"errors"
	"strings"
)

// ErrKey is returned for a text that is no path's Key.
var ErrKey = errors.New("heartbeat: not a path's key")

var (
	transportNames = [transports]string{"tcp", "quic"}
	radioNames     = [radios]string{"unknown", "wifi", "2g", "3g", "4g", "5g", "wired"}
)

// String is the transport's name.
func (t Transport) String() string {
	if t >= transports {
		return "transport"
	}
	return transportNames[t]
}

// String is the radio's name.
func (r Radio) String() string {
	if r >= radios {
		return "radio"
	}
	return radioNames[r]
}

// Key is the path as a text of lower-case letters, digits and points, for a
// store: "tcp.wifi.<32 hexadecimal digits>", or "tcp.wifi.all" for all
// networks of the kind.
func (p Path) Key() string {
	p = p.tidy()
	network := "all"
	if p.Network != (Network{}) {
		network = hex.EncodeToString(p.Network[:])
	}
	return p.Transport.String() + "." + p.Radio.String() + "." + network
}

// ParseKey is the path of a Key.
func ParseKey(key string) (Path, error) {
	var p Path
	parts := strings.Split(key, ".")
	if len(parts) != 3 || len(key) > 64 {
		return p, ErrKey
	}
	t, r := index(transportNames[:], parts[0]), index(radioNames[:], parts[1])
	if t < 0 || r < 0 {
		return p, ErrKey
	}
	p.Transport, p.Radio = Transport(t), Radio(r)
	if parts[2] != "all" {
		n, err := hex.DecodeString(parts[2])
		if err != nil || len(n) != len(p.Network) {
			return Path{}, ErrKey
		}
		p.Network = Network(n)
	}
	if p.Key() != key {
		return Path{}, ErrKey
	}
	return p, nil
}

func index(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}
