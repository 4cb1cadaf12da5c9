package config

import (
	"net"
	"net/netip"
	"slices"
	"time"
)

// What edge.transports may list.
const (
	TransportTCP  = "tcp"
	TransportQUIC = "quic"
)

// Edge is the section of the role edge: the door of the devices.
type Edge struct {
	// Listen is the address of the devices' door, host:port, on TCP and on
	// UDP; port 0 takes a free one. Empty: ":443".
	Listen string `yaml:"listen"`
	// SharePort lets several processes, each an edge of its own with a name
	// and an admin.listen of its own, listen at the same TCP port of a Linux
	// machine. All of them must set it, and run as one user.
	SharePort bool `yaml:"share_port"`
	// Transports are what devices may come by: tcp, quic. A UDP port belongs
	// to one process: of those that share a port, one has quic. Empty: both.
	Transports []string `yaml:"transports"`
	// ProxyProtocolFrom lists networks, as 192.0.2.0/24, of proxies whose TCP
	// connections begin with a header of the PROXY protocol, version 2. The
	// address in it is the device's then. From there every connection must have
	// one, from elsewhere none may. Empty: nowhere.
	ProxyProtocolFrom []string `yaml:"proxy_protocol_from"`
	// TLS is the certificate that devices see. Required.
	TLS TLS `yaml:"tls"`
	// PostQuantum is On or Off: whether devices that offer a key exchange which
	// quantum computers do not break get it. Empty: On.
	PostQuantum string `yaml:"post_quantum"`
	// TicketKeyFile holds the secret of the edges: at least 32 random bytes,
	// the same on every edge of the fleet. It signs resume tickets; the keys
	// of TLS session tickets, which change every day, and those of QUIC's
	// address validation and stateless resets are derived from it. Required.
	TicketKeyFile SecretFile `yaml:"ticket_key_file"`
	// HandshakeTimeout is how long a TLS or QUIC handshake may take. 0: 10s.
	HandshakeTimeout time.Duration `yaml:"handshake_timeout"`
	// MaxHandshakes is how many handshakes are under way at once on each of
	// TCP and QUIC. More connections wait on TCP, for the oldest whose client
	// has taken more than 2s to be given up, and are refused on QUIC. 0: 1024.
	MaxHandshakes int `yaml:"max_handshakes"`
	// QUICWorkers is on how many UDP sockets the edge listens, all at the same
	// port, each with a reader of its own. One is all that systems other than
	// Linux have. 0: one a processor, at most 128.
	QUICWorkers int `yaml:"quic_workers"`
	// HelloTimeout is how long a device may take from the handshake's end to
	// its Hello. 0: 10s.
	HelloTimeout time.Duration `yaml:"hello_timeout"`
	// WriteTimeout is how long a device may take nothing of what is written
	// to it before it is closed as too slow. 0: 20s.
	WriteTimeout time.Duration `yaml:"write_timeout"`
	// MaxConnections is how many connections the edge holds; more are told
	// that it is busy. So they are when the process runs short of file
	// descriptors or memory. 0: 100000.
	MaxConnections int `yaml:"max_connections"`
	// ReconnectSpread is over which time devices spread their new attempts
	// should this edge vanish without a word. 0: 30s.
	ReconnectSpread time.Duration `yaml:"reconnect_spread"`
	// DrainSpread is over which time a stopping edge sends its devices
	// elsewhere; fewer than 100 a second need less. 0: 30s.
	DrainSpread time.Duration `yaml:"drain_spread"`
	// Admission is how many devices the edge lets in, and from where.
	Admission Admission `yaml:"admission"`
	// Heartbeat is how the ways to idle devices are kept open.
	Heartbeat Heartbeat `yaml:"heartbeat"`
	// Island is what the edge does while it is cut off.
	Island Island `yaml:"island"`
	// Limits is what one device may ask for.
	Limits Limits `yaml:"limits"`
}

// The values of a switch.
const (
	On  = "on"
	Off = "off"
)

// Limits is what one connection may ask for. Devices learn it in Welcome.
type Limits struct {
	// MaxRequests is the greatest number of Requests without a Response.
	// 0: 16.
	MaxRequests int `yaml:"max_requests"`
	// RequestsPerSecond is the sustained rate of Requests, in requests a
	// second; twice as many may come at once. 0: 20.
	RequestsPerSecond int `yaml:"requests_per_second"`
	// RequestTimeout is the deadline of a Request that names none. 0: 10s.
	RequestTimeout time.Duration `yaml:"request_timeout"`
	// MaxRequestTimeout is the longest deadline a Request may name; a
	// longer one is shortened to it. 0: 30s.
	MaxRequestTimeout time.Duration `yaml:"max_request_timeout"`
}

// TLS is a certificate and its key.
type TLS struct {
	// CertFile is a PEM file: the certificate and its chain.
	CertFile File `yaml:"cert_file,omitempty"`
	// KeyFile is the certificate's private key in PEM.
	KeyFile SecretFile `yaml:"key_file,omitempty"`
}

func (e *Edge) setDefaults() {
	orDefault(&e.Listen, ":443")
	orDefault(&e.PostQuantum, On)
	if len(e.Transports) == 0 {
		e.Transports = []string{TransportTCP, TransportQUIC}
	}
	orDefault(&e.HandshakeTimeout, 10*time.Second)
	orDefault(&e.MaxHandshakes, 1024)
	orDefault(&e.HelloTimeout, 10*time.Second)
	orDefault(&e.WriteTimeout, 20*time.Second)
	orDefault(&e.MaxConnections, 100_000)
	orDefault(&e.ReconnectSpread, 30*time.Second)
	orDefault(&e.DrainSpread, 30*time.Second)
	e.Admission.setDefaults()
	e.Heartbeat.setDefaults()
	e.Island.setDefaults()
	orDefault(&e.Limits.MaxRequests, 16)
	orDefault(&e.Limits.RequestsPerSecond, 20)
	orDefault(&e.Limits.RequestTimeout, 10*time.Second)
	orDefault(&e.Limits.MaxRequestTimeout, 30*time.Second)
}

func (e *Edge) check(k *checker) {
	k.listen("edge.listen", e.Listen)
	e.checkTransports(k)
	e.checkProxies(k)
	k.tls("edge.tls", e.TLS)
	k.oneOf("edge.post_quantum", e.PostQuantum, On, Off)
	k.key("edge.ticket_key_file", e.TicketKeyFile, 32)
	k.duration("edge.handshake_timeout", e.HandshakeTimeout, minWait, maxWait)
	k.between("edge.max_handshakes", e.MaxHandshakes, 1, 1_000_000)
	k.between("edge.quic_workers", e.QUICWorkers, 0, 128)
	k.duration("edge.hello_timeout", e.HelloTimeout, minWait, maxWait)
	k.duration("edge.write_timeout", e.WriteTimeout, time.Second, maxWait)
	k.between("edge.max_connections", e.MaxConnections, 1, 10_000_000)
	k.duration("edge.reconnect_spread", e.ReconnectSpread, time.Millisecond, time.Hour)
	k.duration("edge.drain_spread", e.DrainSpread, time.Millisecond, time.Hour)
	e.Admission.check(k)
	e.Heartbeat.check(k)
	e.Island.check(k)
	e.Limits.check(k)
}

func (e *Edge) checkTransports(k *checker) {
	for i, t := range e.Transports {
		path := index("edge.transports", i)
		k.oneOf(path, t, TransportTCP, TransportQUIC)
		if slices.Contains(e.Transports[:i], t) {
			k.addf(path, "names %s a second time: leave one", t)
		}
	}
	if !e.SharePort {
		return
	}
	if !slices.Contains(e.Transports, TransportTCP) {
		k.addf("edge.share_port", "is for TCP, which edge.transports does not list: add tcp or leave share_port out")
	}
	if _, port, err := net.SplitHostPort(e.Listen); err == nil && port == "0" {
		k.addf("edge.share_port", "needs a port that the other processes know: edge.listen takes any free one")
	}
}

func (e *Edge) checkProxies(k *checker) {
	for i, text := range e.ProxyProtocolFrom {
		path := index("edge.proxy_protocol_from", i)
		if k.network(path, text).Bits() == 0 {
			k.addf(path, "is everybody, who could then name any address as his: list the proxies")
		}
	}
}

// Proxies returns ProxyProtocolFrom parsed. It must have been validated.
func (e *Edge) Proxies() (all []netip.Prefix) {
	for _, text := range e.ProxyProtocolFrom {
		if p, err := netip.ParsePrefix(text); err == nil {
			all = append(all, p.Masked())
		}
	}
	return all
}

func (l *Limits) check(k *checker) {
	k.between("edge.limits.max_requests", l.MaxRequests, 1, 10_000)
	k.between("edge.limits.requests_per_second", l.RequestsPerSecond, 1, 100_000)
	k.duration("edge.limits.request_timeout", l.RequestTimeout, minWait, maxWait)
	k.duration("edge.limits.max_request_timeout", l.MaxRequestTimeout, minWait, maxWait)
	if l.MaxRequestTimeout < l.RequestTimeout {
		k.addf("edge.limits.max_request_timeout", "is %s, below request_timeout %s: raise it or lower the other",
			l.MaxRequestTimeout, l.RequestTimeout)
	}
}
