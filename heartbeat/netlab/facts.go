package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// What happens to a silence that is longer than a NAT remembers: the facts
// that the heartbeats of hawser rest on, with nothing of hawser in between.

// outcome is what one side saw of a packet that was sent after the silence.
type outcome string

const (
	arrived  outcome = "arrived"
	lost     outcome = "lost"
	reset    outcome = "reset"
	late     outcome = "after the next beat" // lost at first
	answered outcome = "answered"
	moved    outcome = "answered, new port" // the edge sees the device come from elsewhere
	silence  outcome = "silence"
)

// A fact is what was seen of one sort of NAT.
type fact struct {
	TCP  bool
	Kind natKind
	// Forgotten: the NAT had no mapping any more when the silence was over.
	Forgotten bool
	// Push is what became of the edge's packet, which was the first after the
	// silence. EdgeReset: the edge was told that the connection is gone.
	Push      outcome
	EdgeReset bool
	// Delivered is how long after the device's own next packet the edge's came
	// after all.
	Delivered time.Duration
	// Beat is what became of the device's packet, on another connection where
	// that was the first after the silence.
	Beat outcome
}

// The time that a trial takes, beside its silence.
const (
	// answerWait is how long an answer may take before there is none.
	answerWait = 1500 * time.Millisecond
	// resendWait is how long a TCP sender may take to send again what was
	// lost: it doubles its wait from 0.2 s on.
	resendWait = 8 * time.Second
	// removalWait is how long the kernel may take to remove a mapping.
	removalWait = time.Second
)

// trial is one NAT, one transport and one silence.
type trial struct {
	// Static.
	nat     *nat
	tcp     bool
	silence time.Duration
}

// look makes both experiments at the same time, each in a home of its own.
func (t trial) look(ctx context.Context) (f fact, err error) {
	f = fact{TCP: t.tcp, Kind: t.nat.kind}
	var work sync.WaitGroup
	var pushErr, beatErr error
	work.Go(func() { pushErr = t.push(ctx, &f) })
	work.Go(func() { beatErr = t.beat(ctx, &f) })
	work.Wait()
	return f, errors.Join(pushErr, beatErr)
}

// push has the edge speak first after the silence.
func (t trial) push(ctx context.Context, f *fact) error {
	p, err := t.connect(ctx, 0)
	if err != nil {
		return err
	}
	defer p.close()
	if err := t.wait(ctx, p, &f.Forgotten); err != nil {
		return err
	}
	if err := p.edge.send("push"); err != nil {
		return err
	}
	if got, _ := p.device.receive(answerWait); got == "push" {
		f.Push = arrived
		return nil
	}
	f.Push = lost
	if _, err := p.edge.receive(answerWait); errors.Is(err, syscall.ECONNRESET) {
		f.EdgeReset = true
		return nil
	}
	if !t.tcp {
		return nil
	}
	begin := time.Now()
	_ = p.device.send("beat") // what becomes of it is what is looked at
	for time.Since(begin) < resendWait {
		got, err := p.device.receive(resendWait - time.Since(begin))
		if err != nil {
			return nil
		}
		if got == "push" {
			f.Push, f.Delivered = late, time.Since(begin)
			return nil
		}
	}
	return nil
}

// beat has the device speak first after the silence.
func (t trial) beat(ctx context.Context, f *fact) error {
	p, err := t.connect(ctx, 1)
	if err != nil {
		return err
	}
	defer p.close()
	var forgotten bool
	if err := t.wait(ctx, p, &forgotten); err != nil {
		return err
	}
	before := p.edge.peer()
	if err := p.device.send("beat"); err != nil {
		return err
	}
	if got, _ := p.edge.receive(answerWait); got == "beat" {
		if err := p.edge.send("pong"); err != nil {
			return err
		}
	}
	got, err := p.device.receive(answerWait)
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		f.Beat = reset
	case got != "pong":
		f.Beat = silence
	case p.edge.peer() != before:
		f.Beat = moved
	default:
		f.Beat = answered
	}
	return nil
}

// wait lets the silence pass and looks at what the NAT still knows.
func (t trial) wait(ctx context.Context, p *pair, forgotten *bool) error {
	known, err := t.nat.knows(t.tcp, p.device.at())
	if err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("NAT %d knows nothing of a connection that has just been made", t.nat.number)
	}
	select {
	case <-time.After(t.silence):
	case <-ctx.Done():
		return ctx.Err()
	}
	*forgotten, err = t.forgot(ctx, p)
	return err
}

// forgot reports whether the NAT has no mapping. The kernel lists one that it is
// about to remove, too: on a busy machine for a while.
func (t trial) forgot(ctx context.Context, p *pair) (bool, error) {
	for begin := time.Now(); ; {
		known, err := t.nat.knows(t.tcp, p.device.at())
		if err != nil || !known || time.Since(begin) > removalWait || !sleep.For(ctx, removalWait/20) {
			return !known, err
		}
	}
}
