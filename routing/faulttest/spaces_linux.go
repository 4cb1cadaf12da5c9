package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/hawser-edge/hawser/gateway/node/devmode/netspace"
)

// Spaces are network namespaces, one a member, joined by a bridge on which the
// harness is too. They exist within the harness's own namespaces only.
type spaces struct {
	// Static after newSpaces.
	dir     string
	numbers map[string]int // of the members, from 1 on
	spaces  map[string]*netspace.Space
}

// The network of a run. The harness is at the bridge's own address.
const (
	bridge     = "hawser"
	bridgeHost = "10.99.0.1"
	// firstHost is where the first member is.
	firstHost = 10
	// nobody is a hardware address that no interface has.
	nobody = "02:00:00:00:ff:ff"
	// storeMost bounds what the store of a NATS server takes; it is memory.
	storeMost = 2 << 30
	// fillAttempts are far more than a server can write between two calls in a
	// row.
	fillAttempts = 1000
)

var ports = map[string]int{
	serviceNATS: 4222, serviceCluster: 6222, serviceMonitor: 8222,
	serviceDevices: 7443, serviceAPI: 7480, serviceAdmin: 7490,
}

// newSpaces makes a namespace for each member, and a store for each NATS
// server.
func newSpaces(dir string, members []string) (place, error) {
	s := &spaces{dir: dir, numbers: map[string]int{}, spaces: map[string]*netspace.Space{}}
	err := netspace.IP("", `link add `+bridge+` type bridge
address add `+bridgeHost+`/24 dev `+bridge+`
link set `+bridge+` up
link set lo up
`)
	if err != nil {
		return nil, err
	}
	for i, m := range members {
		s.numbers[m] = i + 1
		if err := s.add(m); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func (s *spaces) add(member string) (err error) {
	if s.spaces[member], err = netspace.NewSpace(member); err != nil {
		return err
	}
	link := "to-" + member
	err = netspace.IP("", fmt.Sprintf(`link add %[2]s type veth peer name eth0 address %[3]s netns %[1]s
link set %[2]s master %[4]s up
`, member, link, s.hardware(member), bridge))
	if err != nil {
		return err
	}
	err = s.spaces[member].IP(fmt.Sprintf(`address add %s/24 dev eth0
link set eth0 up
`, s.ip(member)))
	if err != nil {
		return err
	}
	if sortOf(member) != sortNATS {
		return nil
	}
	if err := os.MkdirAll(s.store(member), 0o700); err != nil {
		return fmt.Errorf("make the store of %s: %w", member, err)
	}
	if err := unix.Mount("tmpfs", s.store(member), "tmpfs", 0, "size="+strconv.Itoa(storeMost)); err != nil {
		return fmt.Errorf("mount the store of %s: %w", member, err)
	}
	return nil
}

func (s *spaces) ip(member string) string {
	return fmt.Sprintf("10.99.0.%d", firstHost+s.numbers[member])
}

func (s *spaces) hardware(member string) string {
	return fmt.Sprintf("02:00:00:00:00:%02x", s.numbers[member])
}

func (s *spaces) address(member, service string) string {
	host := s.ip(member)
	if service == serviceAdmin {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(ports[service]))
}

func (s *spaces) host() string { return bridgeHost }

func (s *spaces) within(member string, do func() error) error { return s.spaces[member].Do(do) }

// cut has each of the two send to a hardware address that nobody has. What a
// sender sees is that nothing comes back: no reset, no ICMP, no error.
func (s *spaces) cut(a, b string) error {
	return errors.Join(s.neighbour(a, b, nobody), s.neighbour(b, a, nobody))
}

func (s *spaces) join(a, b string) error {
	return errors.Join(s.neighbour(a, b, s.hardware(b)), s.neighbour(b, a, s.hardware(a)))
}

func (s *spaces) neighbour(of, to, hardware string) error {
	return s.spaces[of].IP(fmt.Sprintf("neighbour replace %s lladdr %s nud permanent dev eth0\n", s.ip(to), hardware))
}

func (s *spaces) store(member string) string { return filepath.Join(s.dir, member+".store") }

// fill shrinks the file system to what is in it, which costs no memory. Where
// something was written after it looked, the system refuses, and it looks again.
func (s *spaces) fill(member string) error {
	for attempt := 1; ; attempt++ {
		var st unix.Statfs_t
		if err := unix.Statfs(s.store(member), &st); err != nil {
			return fmt.Errorf("look at the store of %s: %w", member, err)
		}
		err := s.resize(member, max(int64(st.Blocks-st.Bfree)*st.Bsize, st.Bsize))
		if !errors.Is(err, unix.EINVAL) || attempt == fillAttempts {
			return err
		}
	}
}

func (s *spaces) free(member string) error { return s.resize(member, storeMost) }

func (s *spaces) resize(member string, size int64) error {
	if err := unix.Mount("tmpfs", s.store(member), "tmpfs", unix.MS_REMOUNT, "size="+strconv.FormatInt(size, 10)); err != nil {
		return fmt.Errorf("resize the store of %s to %d bytes: %w", member, size, err)
	}
	return nil
}

// Close forgets the namespaces; they end with the harness.
func (s *spaces) Close() error {
	var errs []error
	for _, space := range s.spaces {
		if space != nil {
			errs = append(errs, space.Close())
		}
	}
	return errors.Join(errs...)
}
