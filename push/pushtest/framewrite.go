package pushtest

import (
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// finish does to a stream what its answer says.
func (c *frameConn) finish(s *stream, a answer) {
	switch a.breaks {
	case AwayAfter:
		c.goAway(s.id)
	case AwayBefore:
		c.goAway(0)
	}
	if a.breaks.answered() {
		c.respond(s, a)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.atWork--
	if c.streams[s.id] == nil {
		return // answered, or reset by the peer
	}
	delete(c.streams, s.id)
	c.writeLocked(func() {
		switch a.breaks {
		case Refused, AwayBefore:
			_ = c.framer.WriteRSTStream(s.id, http2.ErrCodeRefusedStream)
		case ResetBefore, ResetAfter:
			_ = c.framer.WriteRSTStream(s.id, http2.ErrCodeInternal)
		case CutBefore, CutAfter:
			_ = c.net.Close()
		}
	})
}

// respond writes headers and body, waiting for the peer's windows. The stream is
// over with the last frame: the peer may open another one at once.
func (c *frameConn) respond(s *stream, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams[s.id] == nil || c.ctx.Err() != nil {
		return
	}
	c.writeLocked(func() {
		_ = c.framer.WriteHeaders(http2.HeadersFrameParam{
			StreamID: s.id, BlockFragment: c.encodeLocked(a), EndHeaders: true, EndStream: len(a.body) == 0,
		})
	})
	for body := a.body; len(body) > 0; {
		n := c.roomLocked(s, len(body))
		if n == 0 {
			return // the stream or the connection ended
		}
		part := body[:n]
		body = body[n:]
		c.writeLocked(func() { _ = c.framer.WriteData(s.id, len(body) == 0, part) })
	}
	delete(c.streams, s.id)
}

// roomLocked waits until the peer takes some of n bytes, and takes them from
// its windows.
func (c *frameConn) roomLocked(s *stream, n int) int {
	for c.ctx.Err() == nil && c.streams[s.id] != nil {
		if room := min(int64(n), maxFrame, c.windows.connection, s.window+c.windows.shift); room > 0 {
			c.windows.connection -= room
			s.window -= room
			return int(room)
		}
		c.windows.moved.Wait()
	}
	return 0
}

// encodeLocked returns the header block of an answer; it is good until the
// next one.
func (c *frameConn) encodeLocked(a answer) []byte {
	c.block.Reset()
	field := func(name, value string) {
		_ = c.encoder.WriteField(hpack.HeaderField{Name: name, Value: value}) // into a buffer
	}
	field(":status", strconv.Itoa(a.status))
	for name, values := range a.header {
		for _, v := range values {
			field(strings.ToLower(http.CanonicalHeaderKey(name)), v)
		}
	}
	field("content-length", strconv.Itoa(len(a.body)))
	return c.block.Bytes()
}

// shutdownReason is what Apple writes into a farewell.
const shutdownReason = `{"reason":"Shutdown"}`

// goAway tells the peer that the connection ends, and which streams were looked
// at: those up to the given one, and up to the highest that was taken. Calls
// above end without having been taken.
func (c *frameConn) goAway(upTo uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.goAwayLocked(max(upTo, c.taken), shutdownReason)
}

// leave says farewell to the peer: what is under way is answered.
func (c *frameConn) leave(debug string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.goAwayLocked(c.newest, debug)
}

// admit reports whether a stream's notification may be taken: not where the
// peer was told that it was not looked at.
func (c *frameConn) admit(id uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams[id] == nil {
		return false
	}
	c.taken = max(c.taken, id)
	return true
}

func (c *frameConn) goAwayLocked(last uint32, debug string) {
	if c.away && last >= c.awayAt {
		return
	}
	c.away, c.awayAt = true, last
	c.writeLocked(func() { _ = c.framer.WriteGoAway(last, http2.ErrCodeNo, []byte(debug)) })
	for id, s := range c.streams {
		if id > last {
			s.cancel()
			delete(c.streams, id)
		}
	}
	c.windows.moved.Broadcast()
}
