package park

import (
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxEvents is how many events are taken at once. As many are a rush: what comes
// behind them would wait for too long.
const maxEvents = 16

// watched are the events that a socket is watched for, all its life. Each is
// told once when it becomes true.
const watched = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff

// Poller watches sockets. It owns a goroutine that waits for events, one for
// each processor that helps it with a rush of them, as many for the sockets that
// take long, and one that turns the wheel.
type Poller struct {
	// Static after construction.
	epoll   *epoll
	wheel   *wheel
	unasked time.Duration // see WriteBy
	stopped chan struct{} // closed by Close
	rush    chan struct{} // has a place for each helper

	table   table
	greedy  *greedy
	running sync.WaitGroup
	// watching are those of them that use epoll.
	watching sync.WaitGroup
	once     sync.Once
}

// NewPoller starts a poller for all processors.
func NewPoller() (*Poller, error) { return newPoller(runtime.GOMAXPROCS(0)) }

func newPoller(workers int) (*Poller, error) {
	epoll, err := newEpoll()
	if err != nil {
		return nil, err
	}
	p := &Poller{
		epoll: epoll, wheel: newWheel(), unasked: unasked, greedy: newGreedy(workers),
		stopped: make(chan struct{}), rush: make(chan struct{}, workers),
	}
	p.watching.Go(p.watchAll)
	for range workers {
		p.watching.Go(p.help)
		p.running.Go(func() { p.greedy.run(p.stopped) })
	}
	p.running.Go(func() {
		p.watching.Wait()
		p.epoll.release()
	})
	p.running.Go(p.turnWheel)
	return p, nil
}

// Close ends the watch. Sockets are left as they are: close them first. It
// does not wait.
func (p *Poller) Close() {
	p.once.Do(func() {
		close(p.stopped)
		p.epoll.wake()
	})
}

// Wait waits for the poller's goroutines to end after Close.
func (p *Poller) Wait() { p.running.Wait() }

// watchAll hands out events until Close.
func (p *Poller) watchAll() {
	events := make([]unix.EpollEvent, maxEvents)
	for !p.closed() {
		p.found(events[:p.epoll.wait(events)])
	}
}

// help hands out events, too, while there are more than one goroutine can.
func (p *Poller) help() {
	events := make([]unix.EpollEvent, maxEvents)
	for {
		select {
		case <-p.rush:
		case <-p.stopped:
			return
		}
		for n := maxEvents; n == maxEvents && !p.closed(); {
			n = p.epoll.look(events)
			p.found(events[:n])
		}
	}
}

func (p *Poller) closed() bool {
	select {
	case <-p.stopped:
		return true
	default:
		return false
	}
}

// found hands out events. There may be more than fit in.
func (p *Poller) found(events []unix.EpollEvent) {
	if len(events) == maxEvents {
		signal(p.rush)
	}
	for i := range events {
		if s := p.table.get(events[i].Fd); s != nil {
			s.event(events[i].Events)
		}
	}
}

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
	if err := p.epoll.add(s.fd, watched); err != nil {
		_ = p.table.set(s.fd, nil)
		return err
	}
	return nil
}
