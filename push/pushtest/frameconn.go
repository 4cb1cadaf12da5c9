package pushtest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// prefaceWait bounds the wait for a new connection's first bytes.
	prefaceWait = 10 * time.Second
	// partWait bounds the wait for a peer that was said farewell to.
	partWait = 5 * time.Second
	// maxFrame and maxHeaders bound what a peer may make us keep at once.
	maxFrame   = 16 << 10
	maxHeaders = 16 << 10
	// startWindow is HTTP/2's first flow-control window.
	startWindow = 1<<16 - 1
	// spareStreams: so many requests above the limit of streams may be at work,
	// because the peer reset their streams. A peer that goes on is sent away.
	spareStreams = 100
)

// frameConn serves one connection, frame by frame, so that a test can do to it
// what a well-behaved server never does.
type frameConn struct {
	// Static after construction.
	id     int64
	net    net.Conn
	svc    service
	memory *connMemory
	ctx    context.Context
	cancel context.CancelFunc
	dirty  chan struct{} // capacity 1: something waits in the buffer

	// Owned by serve: goroutines that it waits for.
	work sync.WaitGroup

	// Guarded by mu.
	mu      sync.Mutex
	out     *bufio.Writer
	framer  *http2.Framer // for writing
	encoder *hpack.Encoder
	block   bytes.Buffer // what the encoder writes to
	streams map[uint32]*stream
	newest  uint32 // the highest stream the peer opened
	taken   uint32 // the highest stream whose notification was taken
	atWork  int    // calls that have not ended
	limit   streamLimit
	windows windows
	mute    bool
	away    bool // the farewell was said: close once no stream is left
	awayAt  uint32
}

// stream is one request on its way.
type stream struct {
	// Static after construction.
	id     uint32
	window int64 // of the peer, without what windows.shift added
	call   *call
	cancel context.CancelFunc
	// dispatched: the request is whole. Owned by the reader.
	dispatched bool
}

func newFrameConn(id int64, nc net.Conn, svc service, streams int) *frameConn {
	c := &frameConn{
		id: id, net: nc, svc: svc, dirty: make(chan struct{}, 1),
		out: bufio.NewWriterSize(nc, 8<<10), streams: map[uint32]*stream{},
		limit: streamLimit{enforced: streams}, windows: windows{connection: startWindow, initial: startWindow},
	}
	c.memory = &connMemory{conn: c}
	c.windows.moved = sync.NewCond(&c.mu)
	c.framer = http2.NewFramer(c.out, nil)
	c.encoder = hpack.NewEncoder(&c.block)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// serve returns once the connection has ended and nothing of it is left.
func (c *frameConn) serve() {
	defer c.work.Wait()
	defer c.close()
	c.work.Go(c.flusher)
	_ = c.net.SetReadDeadline(time.Now().Add(prefaceWait))
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(c.net, preface); err != nil || string(preface) != http2.ClientPreface {
		return
	}
	_ = c.net.SetReadDeadline(time.Time{})
	c.greet()
	r := http2.NewFramer(nil, bufio.NewReaderSize(c.net, 16<<10))
	r.SetMaxReadFrameSize(maxFrame)
	r.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	r.MaxHeaderListSize = maxHeaders
	for c.read(r) {
	}
}

// greet sends the settings and widens the window of the whole connection.
func (c *frameConn) greet() {
	c.write(func() {
		c.limit.announce(c.limit.enforced)
		_ = c.framer.WriteSettings(
			http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: uint32(c.limit.enforced)},
			http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: maxHeaders},
		)
		_ = c.framer.WriteWindowUpdate(0, 1<<24)
	})
}

// write runs f, which writes frames. A connection that was made mute drops
// them: its headers can never be understood again, so that it stays mute.
func (c *frameConn) write(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeLocked(f)
}

func (c *frameConn) writeLocked(f func()) {
	if c.mute {
		return
	}
	f()
	select {
	case c.dirty <- struct{}{}:
	default:
	}
}

// flusher sends what was written, many frames in one write where they come
// together.
func (c *frameConn) flusher() {
	for {
		select {
		case <-c.dirty:
			c.flush()
		case <-c.ctx.Done():
			return
		}
	}
}

func (c *frameConn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mute {
		return
	}
	if c.out.Flush() != nil {
		c.cancel()
	}
	if c.away && len(c.streams) == 0 {
		c.partLocked()
	}
}

// partLocked ends what we say, and reads on until the peer ends too: answers
// that it has not read are lost where a connection is closed over unread bytes.
func (c *frameConn) partLocked() {
	c.mute = true
	_ = c.net.SetReadDeadline(time.Now().Add(partWait))
	if half, ok := c.net.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = c.net.Close()
}

// close ends the connection: no answer goes out any more.
func (c *frameConn) close() {
	c.cancel()
	_ = c.net.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.windows.moved.Broadcast()
}

// silence makes the connection take bytes and never say another word, not even
// to a ping.
func (c *frameConn) silence() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mute = true
}

// allow announces how many streams the peer may have.
func (c *frameConn) allow(n int) {
	c.write(func() {
		c.limit.announce(n)
		_ = c.framer.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: uint32(n)})
	})
}
