package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/rpc"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/gateway/token"
)

// The children of this program are itself with one of these words as their
// first argument.
const (
	partWorker = "worker"
	partNATS   = "nats"
)

// Groups of latencies that every run has.
const (
	groupConnect = "connect"
	groupBeat    = "beat"
	groupNotify  = "notify"
	// groupReturn is the time of devices that were closed, or vanished, until
	// they are welcomed again.
	groupReturn = "return"
	// groupSlotWait is what devices were told to wait, groupSlotLate how much
	// later than that they were welcomed. They are there where an edge sent
	// devices away.
	groupSlotWait = "slot_wait"
	groupSlotLate = "slot_late"
)

// worker holds devices.
type worker struct {
	// Static after Prepare.
	ctx       context.Context // ends with leaveAll
	cancel    context.CancelFunc
	plan      Plan
	dialer    *dialer
	signer    *token.Signer
	publisher *publisher // nil: nothing is published
	all       []device   // the worker's own, by number / Workers
	latencies *histograms
	beats     *histogram
	count     *counter
	slots     *slots

	events     atomic.Int64
	visited    atomic.Int64
	tokens     sync.Map // string by number: those that are kept
	devices    sync.WaitGroup
	publishing sync.WaitGroup
}

// runWorker serves the parent until it closes our standard input.
func runWorker([]string) int {
	// Ctrl-C on a terminal reaches the whole group: the parent decides.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	server := rpc.NewServer()
	s := &service{w: newWorker()}
	if err := server.RegisterName("Worker", s); err != nil {
		fmt.Fprintln(os.Stderr, "loadtest worker:", err)
		return exitFailed
	}
	server.ServeConn(pipes{os.Stdin, os.Stdout})
	s.w.leaveAll()
	return exitOK
}

func newWorker() *worker {
	w := &worker{}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// pipes are the two directions to the parent.
type pipes struct {
	io.Reader
	io.WriteCloser
}

// prepare makes everything that the worker needs, and connects to nothing.
func (w *worker) prepare(p Plan) (err error) {
	w.plan = p
	w.latencies, w.count = newHistograms(), newCounter()
	w.beats = w.latencies.of(groupBeat)
	w.slots = &slots{latencies: w.latencies}
	w.all = make([]device, len(w.own(0, p.Conns)))
	if len(w.all) > connsAWorker && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // the edge needs the memory more
	}
	if !p.MQTT {
		if w.signer, err = token.LoadSigner(p.JWTKey); err != nil {
			return fmt.Errorf("read the key of the device tokens: %w", err)
		}
	}
	if p.PublishURL != "" {
		if w.publisher, err = newPublisher(p); err != nil {
			return err
		}
	}
	w.dialer, err = newDialer(p)
	return err
}

// device is the one of a number that is ours.
func (w *worker) device(number int) *device {
	_, at := w.plan.place(number)
	return &w.all[at]
}

// own are the numbers in a range that are this worker's.
func (w *worker) own(from, to int) (all []int) {
	for n := from; n < to; n++ {
		if owner, _ := w.plan.place(n); owner == w.plan.Number {
			all = append(all, n)
		}
	}
	return all
}

func (w *worker) nextEvent() int { return int(w.events.Add(1)) }

// connectAll has users connect at their instants and returns when each is in,
// or has given up.
func (w *worker) connectAll(c ConnectCall) {
	took := w.latencies.of(c.Group)
	var wg sync.WaitGroup
	for _, n := range w.own(c.From, c.To) {
		due := c.Start
		if c.Rate > 0 {
			due = due.Add(time.Duration(float64(n-c.From) / c.Rate * float64(time.Second)))
		}
		if !sleep.For(w.ctx, time.Until(due)) {
			break
		}
		w.devices.Add(1)
		wg.Go(func() {
			defer w.devices.Done()
			w.connect(w.ctx, visit{number: n, due: due, patient: c.Patient, storm: c.Group == groupStorm, took: took})
		})
	}
	wg.Wait()
}

// churn has devices vanish at their instants; they come back by themselves.
func (w *worker) churn(c ChurnCall) {
	users := w.own(c.From, c.To)
	if len(users) == 0 {
		return
	}
	random := rand.New(rand.NewPCG(w.plan.Seed, 1<<32|uint64(w.plan.Number)))
	rate := c.Rate * float64(len(users)) / float64(c.To-c.From)
	due := c.Start
	for {
		due = due.Add(time.Duration(random.ExpFloat64() * float64(time.Second) / rate))
		if due.Sub(c.Start) > c.For || !sleep.For(w.ctx, time.Until(due)) {
			return
		}
		w.device(users[random.IntN(len(users))]).leave(false)
	}
}

// settle waits until everything that was published is heard, and reports
// whether it was.
func (w *worker) settle(limit time.Duration) bool {
	w.publishing.Wait()
	ctx, cancel := context.WithTimeout(w.ctx, limit)
	defer cancel()
	return devmode.Until(ctx, func() error {
		if s, _ := w.count.read(); s.Heard < s.Published {
			return errNotHeard
		}
		return nil
	}) == nil
}

var errNotHeard = errors.New("not everything is heard")

// leaveAll ends every connection and waits for the goroutines.
func (w *worker) leaveAll() {
	w.cancel()
	for i := range w.all {
		w.all[i].leave(true)
	}
	w.devices.Wait()
	if w.dialer != nil {
		_ = w.dialer.close() // the process ends
	}
}
