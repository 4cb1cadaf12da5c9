package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Spaces are network namespaces, one a member, joined by a bridge on which the
// harness is too. They exist within the harness's own namespaces only.
type spaces struct {
	// Static after newSpaces.
	dir     string
	numbers map[string]int // of the members, from 1 on
	names   map[string]*os.File
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
)

var ports = map[string]int{
	serviceNATS: 4222, serviceCluster: 6222, serviceMonitor: 8222,
	serviceDevices: 7443, serviceAPI: 7480, serviceAdmin: 7490,
}

// newSpaces makes a namespace for each member, and a store for each NATS
// server.
func newSpaces(dir string, members []string) (place, error) {
	s := &spaces{dir: dir, numbers: map[string]int{}, names: map[string]*os.File{}}
	err := ip("", `link add `+bridge+` type bridge
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
	link := "to-" + member
	err = ip("", fmt.Sprintf(`netns add %[1]s
link add %[2]s type veth peer name eth0 address %[3]s netns %[1]s
link set %[2]s master %[4]s up
`, member, link, s.hardware(member), bridge))
	if err != nil {
		return err
	}
	err = ip(member, fmt.Sprintf(`link set lo up
address add %s/24 dev eth0
link set eth0 up
`, s.ip(member)))
	if err != nil {
		return err
	}
	if s.names[member], err = os.Open("/run/netns/" + member); err != nil {
		return fmt.Errorf("open the namespace of %s: %w", member, err)
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

// ip runs commands of iproute2, one a line, in a namespace; empty: in the
// harness's own.
func ip(namespace, lines string) error {
	args := []string{"-batch", "-"}
	if namespace != "" {
		args = append([]string{"-n", namespace}, args...)
	}
	cmd := exec.Command("ip", args...)
	cmd.Stdin = bytes.NewBufferString(lines)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v: %w: %.300s", args, err, out)
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

// within leaves the thread to die in the namespace: it is of no use elsewhere.
func (s *spaces) within(member string, do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(s.names[member].Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter the namespace of %s: %w", member, err)
			return
		}
		done <- do()
	}()
	return <-done
}

// cut has each of the two send to a hardware address that nobody has. What a
// sender sees is that nothing comes back: no reset, no ICMP, no error.
func (s *spaces) cut(a, b string) error {
	return errors.Join(s.neighbour(a, b, nobody), s.neighbour(b, a, nobody))
}

func (s *spaces) join(a, b string) error {
	return errors.Join(s.neighbour(a, b, s.hardware(b)), s.neighbour(b, a, s.hardware(a)))
}

func (s *spaces) neighbour(of, to, hardware string) error {
	return ip(of, fmt.Sprintf("neighbour replace %s lladdr %s nud permanent dev eth0\n", s.ip(to), hardware))
}

func (s *spaces) store(member string) string { return filepath.Join(s.dir, member+".store") }

// fill shrinks the file system to what is in it, which costs no memory.
func (s *spaces) fill(member string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(s.store(member), &st); err != nil {
		return fmt.Errorf("look at the store of %s: %w", member, err)
	}
	return s.resize(member, max(int64(st.Blocks-st.Bfree)*st.Bsize, st.Bsize))
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
	for _, f := range s.names {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
