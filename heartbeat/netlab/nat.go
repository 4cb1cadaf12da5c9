package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode/netspace"
)

// natKind is how a NAT treats what it has forgotten.
type natKind struct {
	// loose has it take up TCP connections in their middle, as Linux does
	// unless told otherwise (nf_conntrack_tcp_loose).
	loose bool
	// random gives each new mapping a port by chance (masquerade
	// fully-random); otherwise the device's own is kept where it is free.
	random bool
	// drop discards what belongs to no mapping and comes from the WAN;
	// otherwise the NAT answers it itself, TCP with RST.
	drop bool
}

func (k natKind) String() string {
	words := map[bool][3]string{false: {"loose=0", "port kept", "WAN RST"}, true: {"loose=1", "random port", "WAN drop"}}
	return words[k.loose][0] + ", " + words[k.random][1] + ", " + words[k.drop][2]
}

// A nat is a carrier's: homes in a namespace each, and the NAT between them
// and the edge in another. All exist within the enclosure only. The edge sees
// each home at an address of its own, in one /20.
//
//	home 192.168.H.2 -- 192.168.H.1 gate 10.N.H.2 -- 10.N.H.1 enclosure, edgeHost
type nat struct {
	// Static after newNAT.
	number int
	kind   natKind
	homes  []*netspace.Space
	gate   *netspace.Space
}

// The addresses of a lab.
const (
	// edgeHost is where edges listen.
	edgeHost = "10.77.0.1"
	// firstNetwork is N of the first NAT. Each has a /16 of its own: what is
	// learned of one is not to be taken for another's.
	firstNetwork = 100
	// homeTable is before the first home's table of routes.
	homeTable = 100
	// mostNATs and mostHomes are how many have room.
	mostNATs  = 255 - firstNetwork
	mostHomes = 15
)

// newLab makes the edges' address in the enclosure.
func newLab() error {
	return netspace.IP("", `link set lo up
address add `+edgeHost+`/32 dev lo
`)
}

// newNAT builds the NAT of a number from 1 on. The caller closes it.
func newNAT(number, homes int, kind natKind, timeout time.Duration) (*nat, error) {
	if number < 1 || number > mostNATs || homes < 1 || homes > mostHomes {
		return nil, fmt.Errorf("a lab has room for %d NATs with %d homes each", mostNATs, mostHomes)
	}
	n := &nat{number: number, kind: kind}
	if err := n.build(homes, timeout); err != nil {
		return nil, errors.Join(fmt.Errorf("build NAT %d: %w", number, err), n.Close())
	}
	return n, nil
}

func (n *nat) build(homes int, timeout time.Duration) (err error) {
	if n.gate, err = netspace.NewSpace(fmt.Sprintf("gate-%d", n.number)); err != nil {
		return err
	}
	if err := n.link(); err != nil {
		return err
	}
	for h := 1; h <= homes; h++ {
		if err := n.addHome(h); err != nil {
			return err
		}
	}
	if err := n.rules(); err != nil {
		return err
	}
	return errors.Join(
		n.sysctl("net/ipv4/ip_forward", 1),
		n.sysctl("net/netfilter/nf_conntrack_tcp_loose", number(n.kind.loose)),
		n.setTimeout(timeout),
	)
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// link joins the NAT to the enclosure.
func (n *nat) link() error {
	return errors.Join(
		netspace.IP("", fmt.Sprintf(`link add wan-%[1]d type veth peer name wan netns gate-%[1]d
link set wan-%[1]d up
`, n.number)),
		n.gate.IP("link set wan up\n"),
	)
}

// addHome adds the home of a number from 1 on, with a route of its own, from
// which masquerading takes the address.
func (n *nat) addHome(h int) error {
	home, err := netspace.NewSpace(fmt.Sprintf("home-%d-%d", n.number, h))
	if err != nil {
		return err
	}
	n.homes = append(n.homes, home)
	wan := firstNetwork + n.number - 1
	err = errors.Join(
		netspace.IP("", fmt.Sprintf("address add 10.%d.%d.1/30 dev wan-%d\n", wan, h, n.number)),
		n.gate.IP(fmt.Sprintf(`address add 10.%[1]d.%[2]d.2/30 dev wan
link add lan-%[2]d type veth peer name eth0 netns %[3]s
address add 192.168.%[2]d.1/24 dev lan-%[2]d
link set lan-%[2]d up
rule add from 192.168.%[2]d.0/24 table %[4]d
route add default via 10.%[1]d.%[2]d.1 table %[4]d
`, wan, h, home.Name(), homeTable+h)),
		home.IP(fmt.Sprintf(`address add 192.168.%[1]d.2/24 dev eth0
link set eth0 up
route add default via 192.168.%[1]d.1
`, h)),
	)
	if err == nil && h == 1 { // the NAT's own answers
		err = n.gate.IP(fmt.Sprintf("route add default via 10.%d.1.1\n", wan))
	}
	return err
}

// rules are those of an ordinary router. What comes from the WAN and belongs
// to no mapping is for the router itself: it answers, unless it drops.
func (n *nat) rules() error {
	masquerade, closed := "masquerade", ""
	if n.kind.random {
		masquerade = "masquerade fully-random"
	}
	if n.kind.drop {
		closed = "iifname \"wan\" drop"
	}
	return n.run(`table ip carrier {
	chain leaving {
		type nat hook postrouting priority srcnat
		oifname "wan" `+masquerade+`
	}
	chain arriving {
		type filter hook input priority filter
		`+closed+`
	}
}
`, "nft", "-f", "-")
}

// run runs a program on the NAT.
func (n *nat) run(input, program string, args ...string) error {
	return n.gate.Do(func() error {
		cmd := exec.Command(program, args...)
		cmd.Stdin = bytes.NewBufferString(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %.300s", program, err, out)
		}
		return nil
	})
}

// setTimeout sets after how much silence the NAT forgets a connection, from
// that connection's next packet on. It has whole seconds.
func (n *nat) setTimeout(d time.Duration) error {
	if d < time.Second || d%time.Second != 0 {
		return fmt.Errorf("a NAT's timeout is of whole seconds: %v", d)
	}
	var errs []error
	for _, name := range []string{"udp_timeout", "udp_timeout_stream", "tcp_timeout_established"} {
		errs = append(errs, n.sysctl("net/netfilter/nf_conntrack_"+name, int(d/time.Second)))
	}
	return errors.Join(errs...)
}

// sysctl sets a value of the NAT's own kernel settings.
func (n *nat) sysctl(path string, value int) error {
	return n.gate.Do(func() error {
		// The kernel shows a thread the settings of the thread's own network.
		return os.WriteFile(filepath.Join("/proc/sys", path), strconv.AppendInt(nil, int64(value), 10), 0o644)
	})
}

// Close forgets the NAT; it ends with the enclosure.
func (n *nat) Close() error {
	var errs []error
	for _, s := range append(n.homes, n.gate) {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}
