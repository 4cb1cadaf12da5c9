package hostiletest

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/rawdevice"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/routing"
)

// phones are devices that mean no harm. News comes to them all the time.
type phones struct {
	t    *testing.T
	edge *edge
	all  []*phone
	stop chan struct{}
	done sync.WaitGroup

	mu      sync.Mutex
	heard   int // Guarded by mu.
	slowest time.Duration
}

type phone struct {
	user string
	conn *tls.Conn
	link *rawdevice.Link
	news chan int64 // versions
}

func (e *edge) connectPhones(n int) *phones {
	e.t.Helper()
	p := &phones{t: e.t, edge: e, stop: make(chan struct{})}
	for i := range n {
		d := &phone{user: fmt.Sprintf("phone%d", i), news: make(chan int64, 1000)}
		conn, err := tls.Dial("tcp", e.node.Listen, e.tls)
		check(e.t, err)
		jwt, err := e.env.Token(tenant, d.user, "phone")
		check(e.t, err)
		d.link, _, err = rawdevice.Greet(conn, &wirepb.Hello{Token: jwt}, patience)
		check(e.t, err)
		d.conn = conn
		p.all = append(p.all, d)
		p.done.Go(func() { p.listen(d) })
		p.done.Go(func() { p.publish(d) })
	}
	return p
}

func (p *phones) listen(d *phone) {
	for {
		f, err := d.link.Next(time.Time{})
		if err != nil {
			select {
			case <-p.stop:
			default:
				p.t.Errorf("%s lost its connection: %v", d.user, err)
			}
			return
		}
		if n, ok := f.(*wire.Notify); ok {
			_ = d.link.Send(&wire.Ack{Kind: n.Kind, Version: n.Version}) // a failure shows at Next
			d.news <- n.Version
		}
	}
}

// publish tells the phone's user of one thing after the other, each once the one
// before was heard.
func (p *phones) publish(d *phone) {
	for n := 0; ; n++ {
		select {
		case <-p.stop:
			return
		case <-time.After(20 * time.Millisecond):
		}
		began := time.Now()
		version, err := p.edge.publish(d.user, fmt.Sprint(n))
		select {
		case <-p.stop:
			return
		default:
		}
		if err != nil {
			p.t.Errorf("publish: %v", err)
			return
		}
		for heard := int64(0); heard < version; {
			select {
			case heard = <-d.news:
			case <-p.stop:
				return
			case <-time.After(patience):
				p.t.Errorf("%s did not hear of %d", d.user, version)
				return
			}
		}
		p.mu.Lock()
		p.heard, p.slowest = p.heard+1, max(p.slowest, time.Since(began))
		p.mu.Unlock()
	}
}

// served waits until every phone may have heard something from now on, and
// returns how long the slowest since the last call took.
func (p *phones) served() time.Duration {
	p.t.Helper()
	count := func() int { p.mu.Lock(); defer p.mu.Unlock(); return p.heard }
	before := count()
	eventually(p.t, "the phones are served", func() bool { return count() >= before+2*len(p.all) || p.t.Failed() })
	p.mu.Lock()
	defer p.mu.Unlock()
	slowest := p.slowest
	p.slowest = 0
	return slowest
}

func (p *phones) close() {
	close(p.stop)
	for _, d := range p.all {
		_ = d.conn.Close()
	}
	p.done.Wait()
}

func (e *edge) publish(user, id string) (version int64, err error) {
	m := nats.NewMsg(routing.PublishSubject(tenant, user, "messages"))
	m.Data = fmt.Appendf(nil, `{"id":%q,"push":{"none":true}}`, id)
	resp, err := e.backend.RequestMsg(m, patience)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Version int64  `json:"version,string"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(resp.Data, &answer); err != nil || answer.Version == 0 {
		return 0, fmt.Errorf("%s: %w", resp.Data, err)
	}
	return answer.Version, nil
}
