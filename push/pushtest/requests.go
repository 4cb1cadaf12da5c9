package pushtest

import (
	"encoding/json"
	"sync"
	"time"
)

// maxRequests bounds the log of requests; older ones give way.
const maxRequests = 50_000

// Request is one request to a push service from its arrival to its end, taken
// or not.
type Request struct {
	// Seq counts the requests of a simulator from 1.
	Seq int64 `json:"seq"`
	// Token and ID are what the request named. The ID is the apns-id; FCM's
	// requests have none.
	Token string `json:"token"`
	ID    string `json:"id,omitempty"`
	// Collapse is the collapse id or key, Hawser the value of that key as JSON.
	Collapse string          `json:"collapse,omitempty"`
	Hawser   json.RawMessage `json:"hawser,omitempty"`
	// Title and Body are what it would show, Background that it shows nothing.
	Title      string `json:"title,omitempty"`
	Body       string `json:"body,omitempty"`
	Background bool   `json:"background,omitempty"`
	// Authorization is the credential, for tests of its refresh.
	Authorization string `json:"-"`
	// Connection counts connections from 1; 0 without HTTP/2.
	Connection int64 `json:"connection,omitempty"`
	// At is when the request had arrived whole, Accepted when the service took
	// the notification, zero if it did not, Ended when the answer was written
	// or the request broke off, zero while it is under way.
	At       time.Time `json:"at"`
	Accepted time.Time `json:"accepted,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
	// Status is that of the answer, 0 if there was none; Reason is APNs' reason
	// or FCM's code.
	Status int    `json:"status,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Broken says what was done to the request below HTTP.
	Broken string `json:"broken,omitempty"`
}

// Load is what is under way at a simulator.
type Load struct {
	// InFlight requests have arrived and not ended; of these, Accepted were
	// taken.
	InFlight int `json:"in_flight"`
	Accepted int `json:"in_flight_accepted"`
	// Most is the highest InFlight so far.
	Most int `json:"most_in_flight"`
	// Requests, Taken and Refused count since the start. Refused has a status
	// other than 200; what broke off is in neither.
	Requests int64 `json:"requests"`
	Taken    int64 `json:"taken"`
	Refused  int64 `json:"refused"`
}

// requestLog keeps the requests. It is embedded in both simulators.
type requestLog struct {
	// Guarded by logMu.
	logMu   sync.Mutex
	first   int64 // the sequence of entries[0]
	entries []Request
	load    Load
	bearer  string // the last credential: most requests share it
}

func newRequestLog() requestLog { return requestLog{first: 1} }

// begin notes a request that arrived and returns its sequence.
func (l *requestLog) begin(r Request) int64 {
	l.logMu.Lock()
	defer l.logMu.Unlock()
	if len(l.entries) >= maxRequests {
		cut := maxRequests / 10
		l.entries = append(l.entries[:0], l.entries[cut:]...)
		l.first += int64(cut)
	}
	if r.Authorization == l.bearer {
		r.Authorization = l.bearer // one string for all of them
	}
	l.bearer = r.Authorization
	l.load.Requests++
	l.load.InFlight++
	l.load.Most = max(l.load.Most, l.load.InFlight)
	r.Seq, r.At = l.load.Requests, time.Now()
	l.entries = append(l.entries, r)
	return r.Seq
}

// accepted notes that the service took a request's notification.
func (l *requestLog) accepted(seq int64) {
	l.logMu.Lock()
	defer l.logMu.Unlock()
	l.load.Taken++
	l.load.Accepted++
	if e := l.entryLocked(seq); e != nil {
		e.Accepted = time.Now()
	}
}

// end notes how a request ended. taken says whether accepted was called.
func (l *requestLog) end(seq int64, taken bool, a answer, reason string) {
	l.logMu.Lock()
	defer l.logMu.Unlock()
	l.load.InFlight--
	if taken {
		l.load.Accepted--
	}
	if a.status >= 300 {
		l.load.Refused++
	}
	if e := l.entryLocked(seq); e != nil {
		e.Ended, e.Status, e.Reason, e.Broken = time.Now(), a.status, reason, a.breaks.String()
	}
}

func (l *requestLog) entryLocked(seq int64) *Request {
	if i := seq - l.first; i >= 0 && i < int64(len(l.entries)) {
		return &l.entries[i]
	}
	return nil // it gave way
}

// Requests returns the newest requests, at most 50,000, oldest first.
func (l *requestLog) Requests() []Request { return l.RequestsAfter(0, maxRequests) }

// RequestsAfter returns at most limit requests whose Seq is above after,
// oldest first. What is under way is among them as it stands. Of a log that
// was read too late the oldest are missing: Seq shows it.
func (l *requestLog) RequestsAfter(after int64, limit int) []Request {
	l.logMu.Lock()
	defer l.logMu.Unlock()
	from := min(max(0, after+1-l.first), int64(len(l.entries)))
	rest := l.entries[from:]
	return append([]Request(nil), rest[:min(max(0, limit), len(rest))]...)
}

// Load returns what is under way now.
func (l *requestLog) Load() Load {
	l.logMu.Lock()
	defer l.logMu.Unlock()
	return l.load
}

// MaxConcurrent returns the most requests that were under way at once.
func (l *requestLog) MaxConcurrent() int { return l.Load().Most }
