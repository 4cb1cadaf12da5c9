package pushtest

import (
	"bytes"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// rawPeer speaks HTTP/2 frame by frame, as no library lets one.
type rawPeer struct {
	*http2.Framer
	t       *testing.T
	conn    net.Conn
	encoder *hpack.Encoder
	block   bytes.Buffer
	bearer  string
	next    uint32
	limit   uint32 // of streams, as last announced
}

func dialRaw(t *testing.T, a *APNs) *rawPeer {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(a.URL(), "https://"), &tls.Config{RootCAs: a.RootCAs(), NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	p := &rawPeer{t: t, conn: conn, Framer: http2.NewFramer(conn, conn), bearer: "bearer " + a.bearer(t, time.Now()), next: 1}
	p.encoder = hpack.NewEncoder(&p.block)
	p.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	p.must(p.WriteSettings())
	return p
}

func (p *rawPeer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// push opens a stream with a whole request and returns its id.
func (p *rawPeer) push(token string, fields ...string) uint32 {
	p.t.Helper()
	p.block.Reset()
	all := []string{
		":method", "POST", ":scheme", "https", ":authority", "x", ":path", apnsPath + token,
		"authorization", p.bearer, "apns-topic", "org.example", "apns-push-type", "alert",
	}
	all = append(all, fields...)
	for i := 0; i < len(all); i += 2 {
		p.must(p.encoder.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]}))
	}
	id := p.next
	p.next += 2
	p.must(p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block.Bytes(), EndHeaders: true}))
	p.must(p.WriteData(id, true, []byte(goodBody)))
	return id
}

// await reads frames, acknowledging settings, until one suits.
func (p *rawPeer) await(what string, suits func(http2.Frame) bool) {
	p.t.Helper()
	for {
		f, err := p.ReadFrame()
		if err != nil {
			p.t.Fatalf("waiting for %s: %v", what, err)
		}
		if s, ok := f.(*http2.SettingsFrame); ok && !s.IsAck() {
			if n, ok := s.Value(http2.SettingMaxConcurrentStreams); ok {
				p.limit = n
			}
			p.must(p.WriteSettingsAck())
		}
		if suits(f) {
			return
		}
	}
}

func (p *rawPeer) status(id uint32, want int) {
	p.t.Helper()
	p.await("an answer", func(f http2.Frame) bool {
		h, ok := f.(*http2.MetaHeadersFrame)
		if ok && h.StreamID == id && h.PseudoValue("status") != strconv.Itoa(want) {
			p.t.Errorf("status %s, want %d", h.PseudoValue("status"), want)
		}
		return ok && h.StreamID == id
	})
}

func (p *rawPeer) reset(id uint32, want http2.ErrCode) {
	p.t.Helper()
	p.await("a reset", func(f http2.Frame) bool {
		r, ok := f.(*http2.RSTStreamFrame)
		if ok && r.StreamID == id && r.ErrCode != want {
			p.t.Errorf("reset with %v, want %v", r.ErrCode, want)
		}
		return ok && r.StreamID == id
	})
}

func (p *rawPeer) streams(want uint32) {
	p.t.Helper()
	if p.limit == want {
		return
	}
	p.await("a limit of "+strconv.Itoa(int(want))+" streams", func(http2.Frame) bool { return p.limit == want })
}

func TestOneStreamUntilAGoodPush(t *testing.T) {
	a := newAPNs(t, APNsOptions{MaxStreams: 700, ShrinkAfter: 2})
	p := dialRaw(t, a)
	p.streams(1)
	a.SetPace(Pace{Accept: func() time.Duration { return 100 * time.Millisecond }})
	first, second := p.push("aa"), p.push("ab")
	p.reset(second, http2.ErrCodeRefusedStream)
	p.streams(700)
	p.status(first, 200)
	if n := a.Overran(); n != 1 {
		t.Errorf("%d requests above the limit", n)
	}
	a.SetPace(Pace{})
	for range 2 {
		p.status(p.push("not-hexadecimal"), 400)
	}
	p.streams(1)
	third := p.push("aa")
	p.streams(700)
	p.status(third, 200)
}

func TestProviderTokensOfAConnection(t *testing.T) {
	a := newAPNs(t, APNsOptions{TokenEvery: 20 * time.Minute})
	if _, err := a.AddKey("TEAMSIM002", "KEYSIM0002"); err != nil {
		t.Fatal(err)
	}
	p := dialRaw(t, a)
	p.status(p.push("aa"), 200)
	old := p.bearer
	p.bearer = "bearer " + signES256(t, a.keys["KEYSIM0002"].key, "KEYSIM0002", "TEAMSIM002", time.Now())
	p.status(p.push("aa"), 403) // another team
	q := dialRaw(t, a)
	q.bearer = p.bearer
	q.status(q.push("aa"), 200) // on a connection of its own
	p.bearer = "bearer " + a.bearer(t, time.Now().Add(-time.Second))
	p.status(p.push("aa"), 429) // too soon
	p.bearer = old
	p.status(p.push("aa"), 200)
	a.RevokeKey(a.KeyID())
	p.status(p.push("aa"), 403)
	var reasons []string
	for _, r := range a.Requests() {
		reasons = append(reasons, r.Reason)
	}
	if got := strings.Join(reasons, ","); got != ",UnrelatedKeyIdInToken,,TooManyProviderTokenUpdates,,InvalidProviderToken" {
		t.Errorf("reasons %s", got)
	}
}

func TestFarewells(t *testing.T) {
	for _, c := range []struct {
		name  string
		reply Break
		// last stream of the farewell, the status of the answer (0: none), and
		// how many were taken.
		last   uint32
		status int
		taken  int
	}{
		{"not looked at", AwayBefore, 1, 0, 1},
		{"taken and answered", AwayAfter, 3, 200, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAPNs(t, APNsOptions{})
			p := dialRaw(t, a)
			p.status(p.push("aa"), 200)
			a.Answer(Reply{Break: c.reply})
			id := p.push("ab")
			p.await("a farewell", func(f http2.Frame) bool {
				g, ok := f.(*http2.GoAwayFrame)
				if ok && (g.LastStreamID != c.last || string(g.DebugData()) != `{"reason":"Shutdown"}`) {
					t.Errorf("last stream %d, %s", g.LastStreamID, g.DebugData())
				}
				return ok
			})
			if c.status != 0 {
				p.status(id, c.status)
			}
			for { // the connection ends
				if _, err := p.ReadFrame(); err != nil {
					break
				}
			}
			if n := a.Count(); n != c.taken {
				t.Errorf("%d taken", n)
			}
			if r := a.Requests()[1]; r.Broken != c.reply.String() || r.Accepted.IsZero() != c.reply.before() {
				t.Errorf("logged %+v", r)
			}
		})
	}
}

func TestResetsAreLogged(t *testing.T) {
	a := newAPNs(t, APNsOptions{})
	p := dialRaw(t, a)
	p.status(p.push("aa"), 200)
	for _, b := range []Break{Refused, ResetBefore, ResetAfter} {
		a.Answer(Reply{Break: b})
		want := http2.ErrCodeInternal
		if b == Refused {
			want = http2.ErrCodeRefusedStream
		}
		p.reset(p.push("aa"), want)
		all := a.Requests()
		if r := all[len(all)-1]; r.Broken != b.String() || r.Accepted.IsZero() != b.before() || r.Status != 0 {
			t.Errorf("%v: logged %+v", b, r)
		}
	}
}

func TestSilenceAnswersNotEvenPings(t *testing.T) {
	a := newAPNs(t, APNsOptions{})
	p := dialRaw(t, a)
	p.status(p.push("aa"), 200)
	p.must(p.WritePing(false, [8]byte{1}))
	p.await("a pong", func(f http2.Frame) bool { g, ok := f.(*http2.PingFrame); return ok && g.IsAck() })
	a.Silence()
	p.must(p.WritePing(false, [8]byte{2}))
	p.push("aa")
	until(t, func() bool { return len(a.Requests()) == 2 })
	p.must(p.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)))
	if f, err := p.ReadFrame(); err == nil {
		t.Errorf("heard %v", f)
	}
	q := dialRaw(t, a)
	q.status(q.push("aa"), 200)
}
