//go:build linux

package session

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport/tlspeer"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
	"golang.org/x/sys/unix"
)

// The steps of a script, with their arguments.
const (
	opNetwork = iota // radio
	opRequest        // size, size of the answer
	opPing
	opUnknown // size
	opState   // foreground or background
	opAck     // version
	opRecord  // size, padding: a record of what is there of frames
	opSegment // size: sent of what is there of records
	opPause   // until the edge has read all, and relayed what it was asked
	opKeys    // whether the edge is asked for its own
	opEmpty   // a record of nothing
	opNotify  // by a router
	opListen  // the device reads from now on
	opShrink  // the edge's socket takes little
	opFlush   // all there is of frames and records
	opEnd     // how; see the ends
	ops
)

const (
	// maxScript bounds the steps.
	maxScript = 256
	// maxBytes bounds what requests carry in all, either way.
	maxBytes = 400 << 10
	// maxUseless is how many records without data crypto/tls takes in a row.
	maxUseless = 16
)

// player is a device that does what a script says. The first byte is how the
// hello of TLS is cut, the steps follow. Numbers that have no meaning are taken
// for others, so that every script is one.
type player struct {
	t      *testing.T
	edge   *wholeEdge
	script []byte

	raw *net.TCPConn
	tls *tlspeer.Conn
	ear *ear // nil until the device reads

	// What was made, of which the tails are not sent yet.
	plain   []byte // frames, not yet in a record
	frames  []made // in order
	framed  int    // bytes of all frames
	records []made
	sealed  []byte // records, not yet sent
	cut     int    // bytes of all records
	sent    int    // of them
	useless int    // records without data in a row

	requests map[uint32]int // size of the answer by number
	bytes    int            // of requests and answers
	version  int64          // that routers named
	end      int
}

// made is a frame or a record: where it ends, among the bytes of its kind, and
// for a record where the frames in it end.
type made struct {
	upTo, plain int
	radio       heartbeat.Radio // of a frame that is a Network
	network     bool
	request     uint32 // its number from 1
}

func (p *player) byte() byte {
	if len(p.script) == 0 {
		return 0
	}
	b := p.script[0]
	p.script = p.script[1:]
	return b
}

// size makes of a byte a number up to 16 Ki, of which small ones are exact.
func (p *player) size() int {
	b := int(p.byte())
	if b < 128 {
		return b
	}
	return (b - 127) * (b - 127)
}

// dial makes the handshake, with the hello in pieces. Behind the server's part
// the client's last is kept back, to be sent with the first records.
func (p *player) dial() {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.edge.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	p.raw = conn.(*net.TCPConn)
	_ = p.raw.SetReadBuffer(16 << 10) // so that the edge's queues fill at last
	_ = p.raw.SetDeadline(time.Now().Add(2 * soon))
	h := &helloCutter{TCPConn: p.raw, p: p, how: p.byte()}
	p.tls, err = tlspeer.Client(p.t.Context(), h, p.edge.client)
	if errors.Is(err, tlspeer.ErrSuite) {
		p.t.Skip(err)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.sealed, p.cut = h.held, len(h.held)
	p.records = append(p.records, made{upTo: p.cut})
	token := "acme/anna/phone/" + strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
	p.frame(made{}, wire.Append(nil, &wire.Hello{Body: &wirepb.Hello{Token: token}}))
	p.requests = map[uint32]int{}
}

// helloCutter is the socket for the time of the handshake.
type helloCutter struct {
	*net.TCPConn
	p    *player
	how  byte // bit 0: wait between pieces; the rest: how many
	held []byte
	told bool // the hello is sent
}

func (h *helloCutter) Write(b []byte) (int, error) {
	if h.told {
		h.held = append(h.held, b...)
		return len(b), nil
	}
	h.told = true
	for rest, n := b, int(h.how>>1&7); len(rest) > 0; n-- {
		piece := rest
		if n > 0 {
			piece = rest[:min(len(rest), 1+h.p.size())]
		}
		if _, err := h.TCPConn.Write(piece); err != nil {
			return 0, err
		}
		rest = rest[len(piece):]
		if h.how&1 != 0 {
			h.p.pause()
		}
	}
	return len(b), nil
}

func (p *player) run() {
	for steps := 0; len(p.script) > 0 && steps < maxScript; steps++ {
		if p.step(p.byte() % ops) {
			return
		}
	}
	p.endOf(leaveBye)
}

// step reports whether it was the last.
func (p *player) step(op byte) (last bool) {
	switch op {
	case opNetwork:
		radio := p.byte() % 7
		p.frame(made{network: true, radio: radioOf(wirepb.Radio(radio))},
			wire.Append(nil, &wire.Network{Body: &wirepb.Network{Radio: wirepb.Radio(radio)}}))
	case opRequest:
		p.request(3*p.size(), 3*p.size())
	case opPing:
		p.frame(made{}, wire.Append(nil, &wire.Ping{}))
	case opUnknown:
		p.frame(made{}, rawFrame(0x3f, make([]byte, p.size())))
	case opState:
		does := p.byte()
		p.frame(made{}, wire.Append(nil, &wire.State{Background: does&1 != 0, Asleep: does&2 != 0}))
	case opAck:
		p.frame(made{}, wire.Append(nil, &wire.Ack{Kind: wire.Kind{Name: "contacts"}, Version: 1 + int64(p.byte())}))
	case opRecord:
		n, padding := min(p.size(), len(p.plain)), p.size()
		p.record(n, min(padding, tlspeer.MaxRecord-n))
	case opSegment:
		p.send(min(p.size(), len(p.sealed)))
	case opPause:
		p.pause()
		await(p.t, "requests are relayed", p.relayed)
	case opKeys:
		if ask := p.byte()&1 != 0; p.mayBeUseless() {
			p.add(p.tls.KeyUpdate(ask))
		}
	case opEmpty:
		p.record(0, 0)
	case opNotify:
		p.notify()
	case opListen:
		p.listen()
	case opShrink:
		if fd, ok := p.accepted(); ok {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1)
		}
	case opFlush:
		p.flush()
	case opEnd:
		p.endOf(int(p.byte()) % leaves)
		return true
	}
	return false
}

func (p *player) frame(m made, b []byte) {
	p.framed += len(b)
	m.upTo = p.framed
	p.frames = append(p.frames, m)
	p.plain = append(p.plain, b...)
}

// rawFrame is a frame of any type, its length in the longest form but one.
func rawFrame(typ byte, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{typ}, 0x80000000|uint32(len(payload)))
	return append(b, payload...)
}

func (p *player) request(size, answer int) {
	if p.bytes += size + answer; p.bytes > maxBytes {
		return
	}
	number := uint32(len(p.requests) + 1)
	p.requests[number] = answer
	body := binary.BigEndian.AppendUint32(nil, number)
	body = binary.BigEndian.AppendUint32(body, uint32(answer))
	body = append(body, pattern(size, number)...)
	p.frame(made{request: number}, wire.Append(nil, &wire.Request{ID: uint64(number), Service: "a", Method: "b", Body: body}))
}

func (p *player) mayBeUseless() bool { return p.useless < maxUseless-1 }

// record puts the first n bytes of the frames into one.
func (p *player) record(n, padding int) {
	if n == 0 && !p.mayBeUseless() {
		return
	}
	record := p.tls.Record(tlspeer.Data, p.plain[:n], padding)
	p.plain = p.plain[n:]
	p.add(record)
	if n > 0 {
		p.useless = 0
	}
}

func (p *player) add(record []byte) {
	p.useless++
	p.sealed = append(p.sealed, record...)
	p.cut += len(record)
	p.records = append(p.records, made{upTo: p.cut, plain: p.framed - len(p.plain)})
}

func (p *player) send(n int) {
	if n == 0 {
		return
	}
	m, err := p.raw.Write(p.sealed[:n])
	p.sealed = p.sealed[m:]
	p.sent += m
	if err != nil {
		p.t.Fatalf("the edge takes no more: %v", err)
	}
}

func (p *player) flush() {
	for len(p.plain) > 0 {
		p.record(min(len(p.plain), tlspeer.MaxRecord), 0)
	}
	p.send(len(p.sealed))
}

// notify lets a router tell of a version, once the session is there.
func (p *player) notify() {
	p.flush()
	await(p.t, "there is a session", func() bool { return p.edge.witness.session() != 0 })
	p.version++
	p.edge.srv.Hub().Notify(p.edge.witness.session(), "r1", "messages", p.version, 0)
}

func (p *player) listen() {
	if p.ear == nil {
		p.ear = listen(p.t, p.tls, p.requests)
	}
}

// pause waits until the edge has read all that was sent.
func (p *player) pause() {
	if fd, ok := p.accepted(); ok {
		await(p.t, "the edge reads", func() bool { return p.waiting(siocOutQNSD) == 0 && p.unread(fd) == 0 })
	}
}

// relayed reports whether all requests that were sent have been.
func (p *player) relayed() bool {
	sent, _ := p.delivered()
	n := 0
	for _, f := range p.frames[:sent] {
		if f.request > 0 {
			n++
		}
	}
	return p.edge.witness.relayed() >= n
}

// accepted is the edge's end, unless it is closed already.
func (p *player) accepted() (fd int, ok bool) {
	await(p.t, "the edge has accepted", func() bool { fd, ok = p.edgeFD(); return ok || p.ear != nil && p.ear.over() })
	return fd, ok
}

const siocOutQNSD = 0x894B // bytes that the system has not sent yet

func (p *player) waiting(request uint) (n int) {
	raw, err := p.raw.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), request) })
	}
	if err != nil {
		return 0
	}
	return n
}

func (p *player) unread(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	if err != nil {
		return 0 // the edge has closed it
	}
	return n
}

// edgeFD finds the edge's end, which is in this process.
func (p *player) edgeFD() (fd int, ok bool) {
	want := p.raw.LocalAddr().(*net.TCPAddr).Port
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		p.t.Fatal(err)
	}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if peer, err := unix.Getpeername(fd); err == nil {
			if in, ok := peer.(*unix.SockaddrInet4); ok && in.Port == want {
				return fd, true
			}
		}
	}
	return 0, false
}
