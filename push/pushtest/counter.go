package pushtest

import (
	"net/http"
	"time"
)

// counter is where a simulator's requests are looked at, one like the other:
// logged, held up, checked, answered as scripted and taken. It is embedded in
// both simulators.
type counter struct {
	*journal
	requestLog
	script
	*phones
}

func newCounter(store func(*phone, Notification)) counter {
	return counter{journal: newJournal(), requestLog: newRequestLog(), script: newScript(), phones: newPhones(store)}
}

// enter takes a notification: into the journal and on to its phone.
func (n *counter) enter(what Notification) {
	what.At = time.Now()
	n.add(what)
	n.deliver(what)
}

// Reset forgets all notifications and what devices show.
func (n *counter) Reset() {
	n.journal.forget()
	n.phones.forget()
}

// desk is what one service does with a request at the counter.
type desk struct {
	// check returns the refusal of a request that is wrong by itself, or a Reply
	// with status 0.
	check func() Reply
	// take enters the notification; false if the request only asked whether it
	// would be.
	take func() bool
	// word writes a reply as the service does.
	word func(Reply) answer
	// closing is closed when the simulator ends.
	closing <-chan struct{}
}

// serve sees one request through.
func (n *counter) serve(c *call, r Request, d desk) (a answer) {
	r.Connection, r.Authorization = c.connection, c.header.Get("Authorization")
	seq, taken, reply := n.begin(r), false, Reply{}
	defer func() { n.end(seq, taken, a, reply.Reason) }()
	if n.hold(c.ctx, d.closing) != nil {
		return answer{breaks: clientGone}
	}
	if reply = d.check(); reply.Status == 0 {
		reply = n.next(r.Token)
	}
	if reply.takes() {
		if !c.admit() {
			return answer{breaks: clientGone}
		}
		reply.Status = http.StatusOK
		if taken = d.take(); taken {
			n.accepted(seq)
		}
		if n.linger(c.ctx, d.closing) != nil {
			return answer{breaks: clientGone}
		}
	}
	if reply.Break.silent() {
		select {
		case <-c.ctx.Done():
		case <-d.closing:
		}
	}
	if !reply.Break.answered() {
		return answer{breaks: reply.Break}
	}
	return d.word(reply)
}
