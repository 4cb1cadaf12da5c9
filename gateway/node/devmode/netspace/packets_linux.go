package netspace

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"os"

	"golang.org/x/sys/unix"
)

// Packets gives each packet that passes an interface of the space, either way,
// from its network header on: one with each Read, cut to the room there is. It
// has room for a while's; what comes beyond is lost. The caller closes it,
// which ends a Read.
func (s *Space) Packets() (packets *os.File, err error) {
	err = s.Do(func() error {
		all := uint16(unix.ETH_P_ALL)
		if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
			all = bits.ReverseBytes16(all) // it wants the network's order
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(all))
		if err != nil {
			return fmt.Errorf("listen to the packets of %s: %w", s.name, err)
		}
		packets = os.NewFile(uintptr(fd), "packets of "+s.name)
		return nil
	})
	return packets, err
}
