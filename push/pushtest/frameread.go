package pushtest

import (
	"context"
	"errors"
	"net/http"
	"net/textproto"

	"golang.org/x/net/http2"
)

// errPeer is a peer's breach of the protocol.
var errPeer = errors.New("pushtest: protocol error")

// read handles one frame; false ends the connection.
func (c *frameConn) read(r *http2.Framer) bool {
	f, err := r.ReadFrame()
	var onStream http2.StreamError
	if errors.As(err, &onStream) {
		c.reset(onStream.StreamID, onStream.Code)
		return true
	}
	if err == nil {
		err = c.handle(f)
	}
	var onConn http2.ConnectionError
	switch {
	case err == nil:
		return true
	case errors.As(err, &onConn):
		c.refuse(http2.ErrCode(onConn))
	case errors.Is(err, errPeer):
		c.refuse(http2.ErrCodeProtocol)
	}
	return false
}

// refuse ends a connection over the peer's mistake.
func (c *frameConn) refuse(code http2.ErrCode) {
	c.write(func() { _ = c.framer.WriteGoAway(c.newest, code, nil) })
	c.flush() // nobody else does any more
}

func (c *frameConn) handle(f http2.Frame) error {
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		return c.headers(f)
	case *http2.DataFrame:
		return c.data(f)
	case *http2.SettingsFrame:
		return c.settings(f)
	case *http2.PingFrame:
		if !f.IsAck() {
			c.write(func() { _ = c.framer.WritePing(true, f.Data) })
		}
	case *http2.RSTStreamFrame:
		c.drop(f.StreamID)
	case *http2.WindowUpdateFrame:
		return c.widen(f)
	case *http2.PushPromiseFrame:
		return errPeer
	}
	return nil // priorities, farewells and what is not known
}

// headers begins a request, or ends one with trailers.
func (c *frameConn) headers(f *http2.MetaHeadersFrame) error {
	id := f.StreamID
	c.mu.Lock()
	s := c.streams[id]
	c.mu.Unlock()
	switch {
	case s != nil && f.StreamEnded():
		c.dispatch(s)
		return nil
	case s != nil, id%2 == 0, id <= c.newest:
		return errPeer
	}
	s, code := c.open(f)
	switch {
	case code != http2.ErrCodeNo:
		c.reset(id, code)
	case s != nil && f.StreamEnded():
		c.dispatch(s)
	}
	return nil
}

// open makes a stream, or says why there is none. After a farewell it is
// neither made nor refused: the peer knows.
func (c *frameConn) open(f *http2.MetaHeadersFrame) (*stream, http2.ErrCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.newest = f.StreamID
	switch {
	case c.away:
		return nil, http2.ErrCodeNo
	case f.Truncated:
		return nil, http2.ErrCodeProtocol
	case len(c.streams) >= c.limit.enforced:
		c.memory.overran.Add(1)
		return nil, http2.ErrCodeRefusedStream
	case c.atWork >= c.limit.enforced+spareStreams:
		return nil, http2.ErrCodeEnhanceYourCalm
	}
	ctx, cancel := context.WithCancel(c.ctx)
	s := &stream{id: f.StreamID, window: c.windows.initial - c.windows.shift, cancel: cancel}
	s.call = &call{
		ctx: ctx, connection: c.id, stream: s.id, memory: c.memory,
		method: f.PseudoValue("method"), path: f.PseudoValue("path"), header: headerOf(f),
	}
	c.streams[s.id] = s
	c.atWork++
	return s, http2.ErrCodeNo
}

func headerOf(f *http2.MetaHeadersFrame) http.Header {
	h := make(http.Header, len(f.Fields))
	for _, field := range f.RegularFields() {
		name := textproto.CanonicalMIMEHeaderKey(field.Name)
		h[name] = append(h[name], field.Value)
	}
	return h
}

// data takes a piece of a request's body. What lies above maxBody is not kept,
// and cannot come: the stream's window is no larger and never widened.
func (c *frameConn) data(f *http2.DataFrame) error {
	if n := f.Header().Length; n > 0 {
		c.write(func() { _ = c.framer.WriteWindowUpdate(0, n) })
	}
	c.mu.Lock()
	s, known := c.streams[f.StreamID], f.StreamID <= c.newest
	c.mu.Unlock()
	switch {
	case !known:
		return errPeer
	case s == nil, s.dispatched:
		return nil // reset, answered, or more than is read
	}
	data := f.Data()
	s.call.body = append(s.call.body, data[:min(len(data), maxBody-len(s.call.body))]...)
	if f.StreamEnded() || len(s.call.body) == maxBody {
		c.dispatch(s)
	}
	return nil
}

// dispatch has a request answered that is whole, or as large as one gets.
func (c *frameConn) dispatch(s *stream) {
	if s.dispatched {
		return
	}
	s.dispatched = true
	c.work.Go(func() {
		defer s.cancel()
		c.finish(s, c.svc.answer(s.call))
	})
}

// reset ends a stream from our side.
func (c *frameConn) reset(id uint32, code http2.ErrCode) {
	c.drop(id)
	c.write(func() { _ = c.framer.WriteRSTStream(id, code) })
}

// drop forgets a stream that ended without an answer.
func (c *frameConn) drop(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams[id]
	if s == nil {
		return
	}
	delete(c.streams, id)
	s.cancel()
	if !s.dispatched {
		c.atWork--
	}
	c.windows.moved.Broadcast()
}

// settings takes over what the peer wants.
func (c *frameConn) settings(f *http2.SettingsFrame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.IsAck() {
		c.limit.acknowledged()
		return nil
	}
	err := f.ForeachSetting(func(s http2.Setting) error {
		if err := s.Valid(); err != nil {
			return err
		}
		switch s.ID {
		case http2.SettingInitialWindowSize:
			c.windows.shift += int64(s.Val) - c.windows.initial
			c.windows.initial = int64(s.Val)
		case http2.SettingHeaderTableSize:
			c.encoder.SetMaxDynamicTableSizeLimit(min(s.Val, 4096))
		}
		return nil
	})
	c.windows.moved.Broadcast()
	c.writeLocked(func() { _ = c.framer.WriteSettingsAck() })
	return err
}

// widen adds to a window of the peer.
func (c *frameConn) widen(f *http2.WindowUpdateFrame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.windows.moved.Broadcast()
	if f.StreamID == 0 {
		c.windows.connection += int64(f.Increment)
		if c.windows.connection > 1<<31-1 {
			return http2.ConnectionError(http2.ErrCodeFlowControl)
		}
		return nil
	}
	if s := c.streams[f.StreamID]; s != nil {
		s.window += int64(f.Increment)
	}
	return nil
}
