package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Check is one condition for work.
type Check struct {
	// Name is short and stable, as in "nats" or "router".
	Name string
	// Ready returns nil when the condition holds, otherwise an error that
	// tells an operator what is wrong; it shows no secret. It must heed ctx.
	Ready func(ctx context.Context) error
	// Note says what an operator should look at though the condition holds; it
	// shows no secret. Empty: nothing. Nil: never anything.
	Note func() string
}

const (
	// checkTimeout bounds one check.
	checkTimeout = 2 * time.Second
	// maxAge is how old an answer may be: pollers in a hurry share one.
	maxAge = 200 * time.Millisecond
)

// readyResult is the body of /readyz.
type readyResult struct {
	Schema string        `json:"schema"`
	Ready  bool          `json:"ready"`
	Checks []checkResult `json:"checks"`
}

type checkResult struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
	// Reason is empty where the check holds.
	Reason string `json:"reason,omitempty"`
	// Note is empty where there is nothing to look at.
	Note string `json:"note,omitempty"`
}

// readiness runs the checks, one round at a time however many ask.
type readiness struct {
	// Static after construction.
	checks []Check
	// turn holds the one turn to run a round or read last; never closed.
	turn chan struct{}

	// Guarded by turn.
	last readyResult
	at   time.Time
}

func newReadiness(checks []Check) *readiness {
	return &readiness{checks: checks, turn: make(chan struct{}, 1)}
}

func (r *readiness) serve(w http.ResponseWriter, req *http.Request) {
	select {
	case r.turn <- struct{}{}:
	case <-req.Context().Done():
		return
	}
	if r.at.IsZero() || time.Since(r.at) > maxAge {
		// The round is everybody's: the one who asked first may go away.
		r.last = r.round(context.WithoutCancel(req.Context()))
		r.at = time.Now()
	}
	result := r.last
	<-r.turn
	code := http.StatusOK
	if !result.Ready {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, result)
}

// round runs all checks side by side. The results keep their order.
func (r *readiness) round(ctx context.Context) readyResult {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	result := readyResult{Schema: "hawser.readyz/1", Ready: true, Checks: make([]checkResult, len(r.checks))}
	var all sync.WaitGroup
	for i, c := range r.checks {
		all.Go(func() { result.Checks[i] = c.result(ctx) })
	}
	all.Wait()
	for _, c := range result.Checks {
		result.Ready = result.Ready && c.Ready
	}
	return result
}

func (c Check) result(ctx context.Context) checkResult {
	r := checkResult{Name: c.Name, Ready: true}
	if err := c.Ready(ctx); err != nil {
		r.Ready, r.Reason = false, err.Error()
	}
	if c.Note != nil {
		r.Note = c.Note()
	}
	return r
}

func healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, struct {
		Schema string `json:"schema"`
		Alive  bool   `json:"alive"`
	}{"hawser.healthz/1", true})
}

func version(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, struct {
		Schema string `json:"schema"`
		Version
	}{"hawser.version/1", ReadVersion()})
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// A reader that went away has no use for an error.
	_ = json.NewEncoder(w).Encode(v)
}
