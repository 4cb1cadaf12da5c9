package edgelink

import "time"

// Timing holds the link's durations. Zero fields get the defaults; tests
// shorten them.
type Timing struct {
	// Beat is the pause between beats. Routers forget an edge that is silent
	// for 3 s. Default 1 s.
	Beat time.Duration
	// Present is how long a router counts as present after its last beat.
	// Default 3 s.
	Present time.Duration
	// Settle is how long after NATS (re)connected no session is verified,
	// so that every router's beat was heard before the routers are counted.
	// It must be longer than a router's beat. Default 1.5 s.
	Settle time.Duration
	// Window is what re-verifying all sessions is spread over. Default 30 s;
	// an edge with few sessions takes less.
	Window time.Duration
	// Fresh is how long a router is asked by its name after its last beat.
	// Default 1.5 s.
	Fresh time.Duration
	// Unheard is how long no router may be heard of over a NATS server, after
	// Fresh, before another server is taken; where no router is heard of there
	// either, twice as long, and so on up to a minute. Default 4 s.
	Unheard time.Duration
	// Request bounds the first attempt of a request to a router; the others
	// have twice that. Default 1 s.
	Request time.Duration
}

func (t Timing) withDefaults() Timing {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&t.Beat, time.Second)
	def(&t.Present, 3*time.Second)
	def(&t.Settle, 1500*time.Millisecond)
	def(&t.Window, 30*time.Second)
	def(&t.Fresh, 1500*time.Millisecond)
	def(&t.Unheard, 4*time.Second)
	def(&t.Request, time.Second)
	return t
}

// The bounds of the link's queues and messages.
const (
	// maxMessage is about how many bytes of sessions or answers go into one
	// message: large enough to amortise it, far below NATS' 1 MiB.
	maxMessage = 16 << 10
	// maxChanges bounds the changes to the sessions that wait to be told.
	// Beyond it the routers get a dump instead.
	maxChanges = 1 << 16
	// maxAnswers bounds the answers that wait to be sent.
	maxAnswers = 1 << 16
	// answerWait is how long an answer waits for others: next to nothing beside
	// what a device takes to acknowledge, and much beside what a message costs.
	answerWait = 5 * time.Millisecond
	// announceWait is how long a session that begins or ends waits for others.
	// A device that is connecting takes longer for its own next frame.
	announceWait = 10 * time.Millisecond
	// maxRouters bounds the routers that are kept track of.
	maxRouters = 256
	// maxInbound bounds the messages that wait in each subscription.
	maxInbound = 1 << 16
	// headsUsers is how many users one request for heads names, and
	// headsRequests how many such requests are under way at once.
	headsUsers    = 256
	headsRequests = 4
	// stuckAfter is how long sessions may wait for an echo before the log
	// names the routers that owe it.
	stuckAfter = 10 * time.Second
	// sweepFloor is the least number of sessions a second that are verified
	// anew: a small edge does not take the whole window.
	sweepFloor = 1000
)
