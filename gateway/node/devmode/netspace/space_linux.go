package netspace

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// A Space is a network of its own inside the enclosure. It ends with the
// enclosure.
type Space struct {
	// Static after NewSpace.
	name string
	file *os.File
}

// NewSpace makes one that has nothing but an interface lo. name is unique in
// the enclosure. The caller closes it.
func NewSpace(name string) (*Space, error) {
	if err := IP("", "netns add "+name+"\n"); err != nil {
		return nil, err
	}
	s := &Space{name: name}
	if err := s.IP("link set lo up\n"); err != nil {
		return nil, err
	}
	var err error
	if s.file, err = os.Open("/run/netns/" + name); err != nil {
		return nil, fmt.Errorf("open the namespace of %s: %w", name, err)
	}
	return s, nil
}

// Name is that of NewSpace, and ip's for it.
func (s *Space) Name() string { return s.name }

// IP runs commands of iproute2 there, one a line.
func (s *Space) IP(lines string) error { return IP(s.name, lines) }

// Do calls do on a thread that is in the space: sockets made and processes
// started there belong to it. The thread is left to die there: it is of no use
// elsewhere.
func (s *Space) Do(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(s.file.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter the namespace of %s: %w", s.name, err)
			return
		}
		done <- do()
	}()
	return <-done
}

// Close forgets the space.
func (s *Space) Close() error { return s.file.Close() }

// IP runs commands of iproute2, one a line, in the space of a name; empty: in
// the enclosure itself.
func IP(name, lines string) error {
	args := []string{"-batch", "-"}
	if name != "" {
		args = append([]string{"-n", name}, args...)
	}
	cmd := exec.Command("ip", args...)
	cmd.Stdin = bytes.NewBufferString(lines)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v: %w: %.300s", args, err, out)
	}
	return nil
}
