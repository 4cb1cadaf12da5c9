//go:build linux

package session

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/hawser-edge/hawser/gateway/transport/tlspeer"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
)

// How a script ends.
const (
	leaveBye        = iota // after all answers
	leaveNotify            // close_notify and FIN
	leaveNotifyOnly        // close_notify
	leaveFIN               // without close_notify
	leaveFINNow            // in the middle of what was to be sent
	leaveRST
	leaveGarbage // bytes of the script instead of records
	leaveForged  // a record that is not authentic
	leaveAlert
	leaveUseless // more records without data than TLS takes
	leaveHalf    // close_notify within a frame
	leaveMalformed
	leaveDirection
	leaveHello
	leaveLarge
	leaveSupersede // by a router
	leaves
)

// told are the ends of which the device is told.
var told = map[int]struct {
	reason string
	code   wire.CloseCode
	frame  []byte
}{
	leaveBye:       {"bye", wire.CloseBye, wire.Append(nil, &wire.Bye{})},
	leaveMalformed: {"malformed", wire.CloseProtocol, rawFrame(byte(wire.TypeAck), []byte{1})},
	leaveDirection: {"wrong_direction", wire.CloseProtocol, wire.Append(nil, &wire.Pong{})},
	leaveHello:     {"second_hello", wire.CloseProtocol, wire.Append(nil, &wire.Hello{Body: &wirepb.Hello{Token: "x"}})},
	leaveLarge:     {"too_large", wire.CloseFrameTooLarge, []byte{byte(wire.TypeRequest), 0x9f, 0xff, 0xff, 0xff}},
	leaveSupersede: {"superseded", wire.CloseSuperseded, nil},
}

// endOf ends the connection.
func (p *player) endOf(end int) {
	p.end = end
	if told, ok := told[end]; ok {
		p.answered()
		if end == leaveSupersede {
			// The router's word may overtake what the device sent last.
			await(p.t, "all frames are handled", func() bool { return p.edge.witness.handled() >= len(p.frames)-1 })
			p.edge.srv.Hub().Supersede(p.edge.witness.session())
		}
		p.plain = append(p.plain, told.frame...) // no frame that may be counted
		p.flushRaw()
		return
	}
	switch end {
	case leaveFINNow, leaveRST, leaveGarbage:
	case leaveHalf:
		p.flush()
		p.plain = append(p.plain, rawFrame(0x3f, make([]byte, 9))[:7]...)
		p.flushRaw()
	default:
		p.flush()
	}
	switch end {
	case leaveNotify, leaveNotifyOnly, leaveHalf:
		p.write(p.tls.CloseNotify())
	case leaveGarbage:
		p.write(p.script)
	case leaveForged:
		record := p.tls.Record(tlspeer.Data, []byte("forged"), 0)
		record[len(record)-1]++
		p.write(record)
	case leaveAlert:
		p.write(p.tls.Record(tlspeer.Alert, []byte{2, 40}, 0))
	case leaveUseless:
		for range maxUseless + 1 {
			p.write(p.tls.Record(tlspeer.Data, nil, 0))
		}
	}
}

// flushRaw is flush without a frame of its own: what it sends ends the session.
func (p *player) flushRaw() {
	for len(p.plain) > 0 {
		n := min(len(p.plain), 1+len(p.plain)/2)
		p.write(p.tls.Record(tlspeer.Data, p.plain[:n], 0))
		p.plain = p.plain[n:]
	}
}

// write sends what is not counted. The edge may have closed meanwhile.
func (p *player) write(b []byte) { _, _ = p.raw.Write(b) }

// answered sees to it that everything was heard, and every answer given.
func (p *player) answered() {
	p.frame(made{}, wire.Append(nil, &wire.Ping{}))
	p.flush()
	p.listen()
	await(p.t, "all answers have come", func() bool { return p.ear.heard(len(p.requests), p.version) })
}

// finish closes the device's end, after the edge's where there is one.
func (p *player) finish() {
	switch p.end {
	case leaveRST:
		_ = p.raw.SetLinger(0)
		_ = p.raw.Close()
		return
	case leaveNotify, leaveFIN, leaveFINNow, leaveGarbage:
		_ = p.raw.CloseWrite()
	}
	p.listen()
	<-p.ear.ended
	if told, ok := told[p.end]; ok && p.ear.code != told.code {
		p.t.Errorf("closed with %d (%v), want %d", p.ear.code, p.ear.err, told.code)
	}
	_ = p.raw.Close()
}

// judge compares what reached the session with what was sent.
func (p *player) judge(ends map[string]int) {
	sent, whole := p.delivered()
	w := p.edge.witness
	w.mu.Lock()
	defer w.mu.Unlock()
	var radios []heartbeat.Radio
	requests := 0
	for _, f := range p.frames[1:max(sent, 1)] {
		if f.network {
			radios = append(radios, f.radio)
		}
		if f.request > 0 {
			requests++
			if n := w.requests[f.request]; n != 1 && p.end != leaveRST {
				p.t.Errorf("request %d was relayed %d times", f.request, n)
			}
		}
	}
	for n, times := range w.requests {
		if times > 1 {
			p.t.Errorf("request %d was relayed %d times", n, times)
		}
	}
	extra := 0
	switch p.end {
	case leaveBye, leaveDirection, leaveHello:
		extra = 1
	}
	if p.end == leaveRST {
		if len(w.radios) > len(radios) || !slices.Equal(w.radios, radios[:len(w.radios)]) || w.frames > sent {
			p.t.Errorf("handled %v, %d frames, sent %v, %d", w.radios, w.frames, radios, sent)
		}
	} else if !slices.Equal(w.radios, radios) || w.frames != max(sent-1, 0)+extra || len(w.requests) != requests {
		p.t.Errorf("handled %v, %d frames, %d requests; sent %v, %d, %d", w.radios, w.frames, len(w.requests), radios, sent-1+extra, requests)
	}
	p.judgeEnd(ends, sent, whole)
}

// delivered is how many frames are among the bytes that were sent, and whether
// those end with a record and a frame.
func (p *player) delivered() (frames int, whole bool) {
	plain, upTo := 0, 0
	for _, r := range p.records {
		if r.upTo <= p.sent {
			plain, upTo = r.plain, r.upTo
		}
	}
	at := 0
	for _, f := range p.frames {
		if f.upTo <= plain {
			frames, at = frames+1, f.upTo
		}
	}
	return frames, at == plain && upTo == p.sent
}

// judgeEnd: the connection ended once, with the right reason.
func (p *player) judgeEnd(ends map[string]int, sent int, whole bool) {
	where := "closed "
	switch {
	case p.sent < p.records[0].upTo:
		where = "rejected "
	case sent == 0:
		where = "refused "
	}
	var want []string
	switch {
	case told[p.end].reason != "":
		want = []string{where + told[p.end].reason}
	case p.end == leaveRST:
		// Not even what was sent before it has arrived for sure.
		want = []string{"closed transport_error", "closed peer_closed", "refused transport_error", "refused peer_closed", "rejected gone"}
	case where == "rejected " && p.end == leaveGarbage:
		want = []string{"rejected gone", "rejected tls", "rejected not_tls"}
	case where == "rejected ":
		want = []string{"rejected gone", "rejected tls"}
	case p.end == leaveGarbage:
		want = []string{where + "transport_error", where + "peer_closed"}
	case whole && (p.end == leaveNotify || p.end == leaveNotifyOnly || p.end == leaveFIN || p.end == leaveFINNow):
		want = []string{where + "peer_closed"}
	default:
		want = []string{where + "transport_error"}
	}
	for k, n := range ends {
		if len(ends) != 1 || n != 1 || !slices.Contains(want, k) {
			p.t.Errorf("ended %v, want one of %v", ends, want)
		}
	}
	if len(ends) == 0 {
		p.t.Error("no end was counted")
	}
}

// ear reads what the edge sends.
type ear struct {
	t     *testing.T
	want  map[uint32]int // size of the answer by number; owned by the player until the end
	ended chan struct{}

	mu      sync.Mutex
	answers map[uint32][]byte
	pongs   int
	version int64
	code    wire.CloseCode
	err     error
}

func listen(t *testing.T, conn *tlspeer.Conn, want map[uint32]int) *ear {
	e := &ear{t: t, want: want, ended: make(chan struct{}), answers: map[uint32][]byte{}}
	r := wire.NewReader(conn, wire.MaxPayload)
	go func() {
		defer close(e.ended)
		for {
			f, err := r.Next()
			if err == nil {
				err = e.take(f)
			}
			if err != nil {
				e.err = err
				return
			}
		}
	}()
	return e
}

func (e *ear) take(f wire.Frame) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch f := f.(type) {
	case *wire.Response:
		if _, twice := e.answers[uint32(f.ID)]; twice || f.Status != wire.StatusOK || !isPattern(f.Body, uint32(f.ID)) {
			e.t.Errorf("answer to %d: twice %v, status %v %s", f.ID, twice, f.Status, f.Message)
		}
		e.answers[uint32(f.ID)] = f.Body
	case *wire.Pong:
		e.pongs++
	case *wire.Notify:
		if f.Version <= e.version {
			e.t.Errorf("notify of %d after %d", f.Version, e.version)
		}
		e.version = f.Version
	case *wire.Close:
		e.code = f.Code
	case *wire.Welcome:
	default:
		return fmt.Errorf("%s came", f.Type())
	}
	return nil
}

// heard reports whether as many answers have come, and the version.
func (e *ear) heard(answers int, version int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for n, b := range e.answers {
		if len(b) != e.want[n] {
			e.t.Errorf("the answer to %d has %d bytes, want %d", n, len(b), e.want[n])
		}
	}
	return e.pongs > 0 && len(e.answers) == answers && e.version >= version
}

func (e *ear) over() bool {
	select {
	case <-e.ended:
		return true
	default:
		return false
	}
}
