package push

import (
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a Worker needs. Durations and counts that are 0 take the
// default that stands beside them.
type Config struct {
	Presence Presence
	Records  Records
	Heads    Heads
	Events   Events
	Policy   Policy
	// Apps holds a provider for each application. Jobs of an application that
	// is not here wait, with an alert in the log, until they are too old.
	Apps map[AppKey]Provider
	// Removals says of applications who decides that rejected tokens go. Not
	// here: RemovalGuarded.
	Removals map[AppKey]Removal

	// Gather is how long a job waits for more of the same key. 1 s.
	Gather time.Duration
	// GatherHigh is Gather for High, and for jobs that come back. 200 ms.
	GatherHigh time.Duration
	// AskEvery is how soon a job whose device was notified just now, or about
	// which no router knows, comes back. 1 s.
	AskEvery time.Duration
	// UnknownFor is for how long a device of unknown presence is asked about
	// before it is pushed. 10 s.
	UnknownFor time.Duration
	// MaxAge is the age of an event at which its push is given up. 24 h.
	MaxAge time.Duration
	// StepTimeout bounds each question to the rest of the system. 3 s.
	StepTimeout time.Duration
	// SendTimeout bounds one attempt at a provider. 10 s.
	SendTimeout time.Duration
	// StopGrace is how long attempts under way may finish after Run's context
	// ended. 3 s.
	StopGrace time.Duration

	// ConfirmGone and ConfirmSuspect are how long after a token was rejected
	// for the first time another rejection may remove it. A token that is gone
	// is surely so: the time has to be longer than a registration takes to get
	// about at the push service. A suspect may be innocent. 1 min and 10 min.
	ConfirmGone, ConfirmSuspect time.Duration

	// MaxHeld bounds the gathered jobs; more come back later. 10,000.
	MaxHeld int
	// MaxExamined bounds how many jobs are looked up at once. 64.
	MaxExamined int
	// AppInFlight bounds the attempts under way of one application. 100.
	AppInFlight int
	// AppQueue bounds the jobs waiting for one application's attempts; more
	// come back later. 1,000.
	AppQueue int
	// MaxRemembered bounds the memory of pushed versions and failed attempts,
	// one a device and kind. 65,536.
	MaxRemembered int

	// Log is required; it never sees tokens or content.
	Log *slog.Logger
	// Registerer takes the metrics; nil registers none.
	Registerer prometheus.Registerer
}

// ErrConfig is wrapped by every complaint of NewWorker.
var ErrConfig = errors.New("push: incomplete configuration")

func (c Config) withDefaults() Config {
	orDuration(&c.Gather, time.Second)
	orDuration(&c.GatherHigh, 200*time.Millisecond)
	orDuration(&c.AskEvery, time.Second)
	orDuration(&c.UnknownFor, 10*time.Second)
	orDuration(&c.MaxAge, 24*time.Hour)
	orDuration(&c.StepTimeout, 3*time.Second)
	orDuration(&c.SendTimeout, 10*time.Second)
	orDuration(&c.StopGrace, 3*time.Second)
	orDuration(&c.ConfirmGone, time.Minute)
	orDuration(&c.ConfirmSuspect, 10*time.Minute)
	orInt(&c.MaxHeld, 10_000)
	orInt(&c.MaxExamined, 64)
	orInt(&c.AppInFlight, 100)
	orInt(&c.AppQueue, 1_000)
	orInt(&c.MaxRemembered, 1<<16)
	return c
}

func orDuration(d *time.Duration, def time.Duration) {
	if *d <= 0 {
		*d = def
	}
}

func orInt(n *int, def int) {
	if *n <= 0 {
		*n = def
	}
}
