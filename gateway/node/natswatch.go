package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/admin"
	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/metric"
)

const (
	// natsQuiet is how long NATS may be missing at the start before that is
	// news: the servers may be starting too.
	natsQuiet = time.Second
	// natsRemind is how often it is said that NATS is still away.
	natsRemind = time.Minute
	// natsLook is how often the reason of a missing connection is looked for.
	natsLook = time.Second
)

// What a failed attempt or an error of NATS is counted as.
const (
	natsRefused     = "refused"     // the servers do not know the user or its password
	natsUnreachable = "unreachable" // no server answers
	natsDenied      = "denied"      // a right is missing
	natsSlow        = "slow"        // messages were dropped, this process did not keep up
	natsOther       = "other"
)

// A natsWatch tells operators how the NATS connection of one role fares: in
// the log, without a line for each attempt, in the metrics, and in /readyz.
type natsWatch struct {
	// Static after construction.
	log     *slog.Logger
	user    string
	role    config.Role
	metrics metric.Part
	errors  *prometheus.CounterVec
	moves   prometheus.Counter
	nc      *nats.Conn // set by follow, before anybody asks

	mu sync.Mutex
	// Guarded by mu.
	why    error  // of the last failure
	said   string // what the last line was about
	saidAt time.Time
}

func newNATSWatch(user string, role config.Role, p parts) *natsWatch {
	part := metric.For(p.registry, "nats").With("role", string(role))
	return &natsWatch{
		log: p.log, user: user, role: role, metrics: part, saidAt: time.Now().Add(natsQuiet - natsRemind), said: natsUnreachable,
		moves: part.Counter("moves_total", "Times that the role left a NATS server that was cut off from the others; edges count theirs as hawser_edgelink_moves_total."),
		errors: part.CounterVec("errors_total",
			"Attempts to connect to NATS that failed, as far as they were seen, and errors that it reported: refused (user or password), unreachable, denied (a right is missing), slow (messages dropped, this process did not keep up), other.",
			metric.By("what", natsRefused, natsUnreachable, natsDenied, natsSlow, natsOther)),
	}
}

// options are the handlers, which the client calls one at a time.
func (w *natsWatch) options() []nats.Option {
	return []nats.Option{
		nats.ConnectHandler(func(nc *nats.Conn) { w.connected("connected to NATS", nc) }),
		nats.ReconnectHandler(func(nc *nats.Conn) { w.connected("connected to NATS again", nc) }),
		nats.DisconnectErrHandler(w.disconnected),
		nats.ReconnectErrHandler(w.failed),
		nats.ErrorHandler(w.reported),
		nats.LameDuckModeHandler(func(nc *nats.Conn) {
			w.log.Info("the NATS server is about to stop and will send this process to another one", "server", nc.ConnectedUrlRedacted())
		}),
	}
}

// follow takes the connection that was made with options, and adds its
// metrics.
func (w *natsWatch) follow(nc *nats.Conn) {
	w.nc = nc
	w.metrics.GaugeFunc("connected", "1 while the role is connected to NATS.",
		func() float64 { return metric.Bool(nc.IsConnected()) })
	w.metrics.CounterFunc("reconnects_total", "Times that the role connected to NATS again.",
		func() float64 { return float64(nc.Stats().Reconnects) })
}

func (w *natsWatch) connected(text string, nc *nats.Conn) {
	w.note("", nil)
	w.log.Info(text, "server", nc.ConnectedUrlRedacted())
}

func (w *natsWatch) disconnected(nc *nats.Conn, err error) {
	if nc.IsClosed() { // by ourselves, at the end
		return
	}
	w.note(natsUnreachable, err)
	w.log.Warn("NATS is away, trying again", "error", err)
}

// run looks for the reasons that the client library tells no handler of: a
// server that was reached and refused the user, or that showed a wrong
// certificate.
func (w *natsWatch) run(ctx context.Context) error {
	ticker := time.NewTicker(natsLook)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := w.nc.LastError(); err != nil && !w.nc.IsConnected() {
			w.failed(w.nc, err)
		}
	}
}

// failed hears of attempts, several a second.
func (w *natsWatch) failed(_ *nats.Conn, err error) {
	what := natsUnreachable
	if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked) {
		what = natsRefused
	}
	w.errors.WithLabelValues(what).Inc()
	if !w.note(what, err) {
		return
	}
	if what == natsRefused {
		w.log.Error("NATS refuses this user, trying again: the servers must have the users that hawser config nats prints, with the passwords of these files",
			"user", w.user, "error", err)
		return
	}
	w.log.Warn("no NATS server can be reached, trying again", "error", err)
}

// note remembers a failure and tells whether it is worth a line.
func (w *natsWatch) note(what string, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.why = err
	if what == w.said && time.Since(w.saidAt) < natsRemind {
		return false
	}
	w.said, w.saidAt = what, time.Now()
	return true
}

// reported hears of errors beside those of connecting.
func (w *natsWatch) reported(nc *nats.Conn, sub *nats.Subscription, err error) {
	switch {
	case errors.Is(err, nats.ErrPermissionViolation):
		w.errors.WithLabelValues(natsDenied).Inc()
		w.log.Error("NATS denies this user a right that it needs: give the servers what hawser config nats prints now",
			"user", w.user, "error", err)
	case errors.Is(err, nats.ErrSlowConsumer) && sub != nil:
		w.errors.WithLabelValues(natsSlow).Inc()
		w.log.Warn("messages of NATS were dropped, this process does not keep up", "subject", sub.Subject, "error", err)
	case !nc.IsConnected(): // that is known, and has effects of its own
		w.errors.WithLabelValues(natsOther).Inc()
		w.log.Debug("NATS reported an error", "error", err)
	default:
		w.errors.WithLabelValues(natsOther).Inc()
		w.log.Warn("NATS reported an error", "error", err)
	}
}

// check is for the roles that can do nothing without NATS.
func (w *natsWatch) check() admin.Check {
	return admin.Check{Name: "nats_" + string(w.role), Ready: func(context.Context) error { return w.away() }}
}

// away is nil while the role is connected, otherwise it says why it is not.
func (w *natsWatch) away() error {
	if w.nc.IsConnected() {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why == nil {
		return errNoNATS
	}
	return fmt.Errorf("%w: %w", errNoNATS, w.why)
}

var errNoNATS = errors.New("not connected to NATS")
