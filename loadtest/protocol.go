package main

import "time"

// Workers are asked over net/rpc, on their standard input and output. Their
// service is called Worker; the types below are its arguments and answers, with
// capital letters because net/rpc wants them.

// Plan is what a worker is told first.
type Plan struct {
	// Number of this worker, of Workers. A worker has the users whose number
	// leaves its own as the remainder of Workers.
	Number, Workers int
	// Live users, the first ones, have LiveWorkers to themselves, and the others
	// the rest of the workers: in one process those who wait for a notify would
	// wait for the handshakes of those who come. 0: all have all.
	Live, LiveWorkers int
	// Conns is how many users all workers have.
	Conns int

	Addrs      []string
	CAFile     string
	JWTKey     string
	Tenant     string
	Users      string
	PublishURL string
	APIKeyFile string

	// MQTT: the devices are those of a broker.
	MQTT      bool
	Transport string
	Hello     string
	Binds     []string
	Beat      time.Duration
	Seed      uint64
}

// place is the worker that has a user, and the user's place there.
func (p *Plan) place(user int) (worker, at int) {
	first, many := 0, p.Workers
	switch {
	case p.LiveWorkers == 0:
	case user < p.Live:
		many = p.LiveWorkers
	default:
		user -= p.Live
		first, many = p.LiveWorkers, p.Workers-p.LiveWorkers
	}
	return first + user%many, user / many
}

// ConnectCall has users connect, each at its own instant: the n-th of
// them at Start + (n - From) / Rate. Rate 0: all at Start.
type ConnectCall struct {
	From, To int
	Start    time.Time
	Rate     float64
	// Patient devices try until they are in, and come back when they are
	// closed. Others try a few times, and an end stays one.
	Patient bool
	// Group is where their time to connect is counted.
	Group string
}

// PublishCall publishes to the users From to To.
type PublishCall struct {
	From, To int
	Start    time.Time
	// Rate is that of all workers together, a second.
	Rate float64
	// For is how long. 0: once to each of the users.
	For time.Duration
	// Group is where their time to be heard is counted.
	Group string
}

// ChurnCall has devices of the users vanish and come back.
type ChurnCall struct {
	From, To int
	Start    time.Time
	Rate     float64
	For      time.Duration
}

// DismissCall ends the connections of users for good.
type DismissCall struct{ From, To int }

// BurnCall has a worker use as much CPU as Trace says, in seconds since Start
// at the end of each traceEvery, with all that it does anyway.
type BurnCall struct {
	Start time.Time
	Trace []float64
}

// TraceCall has a worker note the CPU it uses, as BurnCall takes it.
type TraceCall struct {
	Start time.Time
	For   time.Duration
}

// Nothing is the argument and answer of calls that need none.
type Nothing struct{}

// Stats is where a worker is.
type Stats struct {
	// Held connections are welcomed and not ended.
	Held int
	// Connected is how often a device was welcomed.
	Connected int
	// Failed are attempts that were not welcomed and connections that ended
	// without being asked to, by reason.
	Failed map[string]int

	// Beats were answered.
	Beats int

	Published int // publications that were answered
	Refused   map[string]int
	Heard     int // of Published
	Backwards int
}

// add sums two workers up.
func (s *Stats) add(o Stats) {
	s.Held += o.Held
	s.Connected += o.Connected
	s.Beats += o.Beats
	s.Published += o.Published
	s.Heard += o.Heard
	s.Backwards += o.Backwards
	s.Failed = addCounts(s.Failed, o.Failed)
	s.Refused = addCounts(s.Refused, o.Refused)
}

func addCounts(to, from map[string]int) map[string]int {
	if to == nil {
		to = map[string]int{}
	}
	for k, n := range from {
		to[k] += n
	}
	return to
}

// Result is what a worker has at the end.
type Result struct {
	Stats Stats
	Slots SlotStats
	// Latencies by group: connect, beat, notify and those of calls.
	Latencies map[string]*histogramData
	// TLS counts what was negotiated.
	TLS map[negotiated]int
	// CPUSeconds and RSS are what the worker itself used, and uses.
	CPUSeconds float64
	RSS        int64
}

// negotiated is what a handshake agreed upon.
type negotiated struct{ Curve, Suite string }
