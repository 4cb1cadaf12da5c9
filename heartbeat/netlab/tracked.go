package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// A mapping is a connection that a NAT knows at present, as the kernel lists
// it: the truth of a run.
type mapping struct {
	tcp bool
	// open: neither side has said that the connection is over.
	open bool
	// home is the device's address.
	home string
	// inner and outer are the device's port and the one that the edge sees.
	inner, outer int
	// left is when the NAT forgets it unless a packet comes.
	left time.Duration
}

// mappings are those of devices.
func (n *nat) mappings() (all []mapping, err error) {
	err = n.gate.Do(func() error {
		b, err := os.ReadFile("/proc/thread-self/net/nf_conntrack")
		if err != nil {
			return err
		}
		all = parseMappings(string(b))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the mappings of NAT %d: %w", n.number, err)
	}
	return all, nil
}

// knows reports whether the NAT has a mapping for a device's end.
func (n *nat) knows(tcp bool, at inside) (bool, error) {
	all, err := n.mappings()
	for _, m := range all {
		if m.tcp == tcp && m.home == at.home && m.inner == at.port {
			return true, err
		}
	}
	return false, err
}

// parseMappings reads nf_conntrack: "ipv4 2 tcp 6 5 ESTABLISHED src= dst=
// sport= dport= src= dst= sport= dport= [ASSURED] ...", where the second four
// are those of the answers.
func parseMappings(text string) (all []mapping) {
	for line := range strings.Lines(text) {
		if m, ok := parseMapping(strings.Fields(line)); ok {
			all = append(all, m)
		}
	}
	return all
}

func parseMapping(fields []string) (m mapping, ok bool) {
	if len(fields) < 6 || fields[2] != "tcp" && fields[2] != "udp" {
		return m, false
	}
	m.tcp = fields[2] == "tcp"
	seconds, err := strconv.Atoi(fields[4])
	if err != nil {
		return m, false
	}
	m.left = time.Duration(seconds) * time.Second
	m.open = !m.tcp || fields[5] == "ESTABLISHED"
	values := map[string][]string{}
	for _, f := range fields[5:] {
		if name, value, found := strings.Cut(f, "="); found {
			values[name] = append(values[name], value)
		}
	}
	if len(values["sport"]) != 2 || len(values["dport"]) != 2 || !strings.HasPrefix(values["src"][0], "192.168.") {
		return m, false // what came from outside is nobody's mapping
	}
	m.home = values["src"][0]
	m.inner, _ = strconv.Atoi(values["sport"][0]) // 0 is nobody's
	m.outer, _ = strconv.Atoi(values["dport"][1])
	return m, true
}
