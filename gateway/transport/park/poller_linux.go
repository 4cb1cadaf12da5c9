package park

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxEvents is how many events a loop takes at once.
const maxEvents = 256

// watched are the events that a socket is watched for, all its life. Each is
// told once when it becomes true.
const watched = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff

// Poller watches sockets. It owns a goroutine for each of its loops, as many
// for the sockets that take long, and one that turns the wheel.
type Poller struct {
	// Static after construction.
	loops   []*loop
	wheel   *wheel
	unasked time.Duration // see WriteBy
	stopped chan struct{} // closed by Close

	table   table
	greedy  *greedy
	running sync.WaitGroup
	once    sync.Once
}

// NewPoller starts a poller with a loop for each processor.
func NewPoller() (*Poller, error) { return newPoller(runtime.GOMAXPROCS(0)) }

func newPoller(loops int) (*Poller, error) {
	p := &Poller{wheel: newWheel(), unasked: unasked, stopped: make(chan struct{}), greedy: newGreedy(loops)}
	for range loops {
		l, err := newLoop()
		if err != nil {
			p.Close()
			return nil, err
		}
		p.loops = append(p.loops, l)
		p.running.Go(func() { l.run(&p.table) })
		p.running.Go(func() { p.greedy.run(p.stopped) })
	}
	p.running.Go(p.turnWheel)
	return p, nil
}

// Close ends the watch. Sockets are left as they are: close them first. It
// does not wait.
func (p *Poller) Close() {
	p.once.Do(func() {
		close(p.stopped)
		for _, l := range p.loops {
			_ = l.epoll.Close()
		}
	})
}

// Wait waits for the poller's goroutines to end after Close.
func (p *Poller) Wait() { p.running.Wait() }

func (p *Poller) turnWheel() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	look := func(n int32, at uint32) {
		if s := p.table.get(n); s != nil {
			s.expire(at)
		}
	}
	for {
		select {
		case <-ticker.C:
			p.wheel.turn(time.Now(), look)
		case <-p.stopped:
			return
		}
	}
}

// watch adds a socket. From then on there are events.
func (p *Poller) watch(s *Socket) error {
	if err := p.table.set(s.fd, s); err != nil {
		return err
	}
	l := p.loops[int(s.fd)%len(p.loops)]
	if err := l.add(s.fd); err != nil {
		_ = p.table.set(s.fd, nil)
		return err
	}
	return nil
}

// loop is one epoll instance. It is itself a file that Go's own poller waits
// for, so that a loop without events occupies no thread.
type loop struct {
	// Static after construction.
	epoll *os.File
	raw   syscall.RawConn
}

func newLoop() (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	// What makes package os hand the file to Go's poller.
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("set the epoll instance non-blocking: %w", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("epoll instance: %w", err)
	}
	return &loop{epoll: file, raw: raw}, nil
}

func (l *loop) add(fd int32) (err error) {
	event := unix.EpollEvent{Events: watched, Fd: fd}
	cerr := l.raw.Control(func(epoll uintptr) {
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

// run hands out events until the epoll instance is closed.
func (l *loop) run(t *table) {
	events := make([]unix.EpollEvent, maxEvents)
	var n int
	wait := func(epoll uintptr) bool {
		var err error
		n, err = unix.EpollWait(int(epoll), events, 0)
		return err != nil || n > 0
	}
	for l.raw.Read(wait) == nil {
		for i := range max(n, 0) {
			if s := t.get(events[i].Fd); s != nil {
				s.event(events[i].Events)
			}
		}
	}
}
