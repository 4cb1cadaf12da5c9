package heartbeat

// Transport is what carries the connection.
type Transport uint8

// The transports. Networks forget UDP far sooner than TCP.
const (
	TCP Transport = iota
	QUIC
)

// transports is how many there are.
const transports = 2

// Radio is the device's claim about its access network.
type Radio uint8

// The radios. Unknown is what a device that says nothing has.
const (
	Unknown Radio = iota
	WiFi
	Cell2G
	Cell3G
	Cell4G
	Cell5G
	Wired
)

// radios is how many there are.
const radios = 7

// Path is the network between a device and the edge. It is the key of what is
// learned: a comparable value. With the zero Network it means all networks of
// that transport and radio, which are the parent of each of them.
type Path struct {
	Transport Transport
	Radio     Radio
	Network   Network
}

// tidy makes claims that mean nothing Unknown.
func (p Path) tidy() Path {
	if p.Radio >= radios {
		p.Radio = Unknown
	}
	if p.Transport >= transports {
		p.Transport = TCP
	}
	return p
}

// class is the number of the parent.
func (p Path) class() int { return int(p.Transport)*radios + int(p.Radio) }

func (r Radio) cellular() bool { return r >= Cell2G && r <= Cell5G }
