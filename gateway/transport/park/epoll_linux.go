package park

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// epoll is an epoll instance. Who waits for it occupies a thread: by way of Go's
// own poller an event would wake that poller's thread, and another to look for
// more work, and have all of them fall asleep again, which costs more than the
// answer to a heartbeat.
type epoll struct {
	// Static after construction.
	file, stop *os.File // stop is an eventfd
	raw        syscall.RawConn
	fd         int // of file

	yielded time.Time // Owned by who waits.
}

// yieldEvery is for how long who waits goes on without a word to Go's scheduler.
// From one that is silent for 10 ms it takes the processor at every system call,
// and looks out for that 20,000 times a second.
const yieldEvery = 5 * time.Millisecond

func newEpoll() (*epoll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	e := &epoll{file: os.NewFile(uintptr(fd), "epoll"), fd: fd}
	if err := e.open(); err != nil {
		_ = e.file.Close()
		return nil, err
	}
	return e, nil
}

func (e *epoll) open() (err error) {
	if e.raw, err = e.file.SyscallConn(); err != nil {
		return fmt.Errorf("epoll instance: %w", err)
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	e.stop = os.NewFile(uintptr(fd), "eventfd")
	if err := e.add(int32(fd), unix.EPOLLIN); err != nil {
		_ = e.stop.Close()
		return err
	}
	return nil
}

// add has a descriptor watched. It fails after release.
func (e *epoll) add(fd int32, events uint32) (err error) {
	event := unix.EpollEvent{Events: events, Fd: fd}
	cerr := e.raw.Control(func(epoll uintptr) {
		err = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, int(fd), &event)
	})
	if cerr != nil {
		return cerr
	}
	if err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// wait returns how many events there are, at least one unless it was
// interrupted. One goroutine calls it.
func (e *epoll) wait(events []unix.EpollEvent) int {
	if now := time.Now(); now.Sub(e.yielded) >= yieldEvery {
		runtime.Gosched()
		e.yielded = now
	}
	n, _ := unix.EpollWait(e.fd, events, -1)
	return max(n, 0)
}

// look is wait for many that do not wait.
func (e *epoll) look(events []unix.EpollEvent) int {
	n, _ := unix.EpollWait(e.fd, events, 0)
	return max(n, 0)
}

// wake has wait return, now and from then on.
func (e *epoll) wake() {
	_, _ = e.stop.Write(binary.NativeEndian.AppendUint64(nil, 1)) // never full
}

// release is called when nobody waits or looks any more.
func (e *epoll) release() {
	_ = e.stop.Close()
	_ = e.file.Close()
}
