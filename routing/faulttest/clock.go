package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// shiftClock sets an edge's clock forward by an hour and back again.
func shiftClock(ctx context.Context, r *run, p *phase) error {
	name := membersOf(sortEdge)[r.choices.IntN(len(membersOf(sortEdge)))]
	p.victims, p.edge, p.limits, p.from = []string{name}, name, limits{stall: moveOver, rest: none, quic: moveOver}, time.Now()
	r.say("%-14s %s", p.fault, name)
	err := r.fleet.setClock(name, time.Hour)
	sleep.For(ctx, r.opts.hold)
	p.until = time.Now().Add(soon)
	return errors.Join(err, r.fleet.setClock(name, 0))
}

// setClock shifts what an edge takes for the wall clock. Renaming makes sure
// that it never reads half a file.
func (f *fleet) setClock(name string, by time.Duration) error {
	file := f.clockFile(name)
	if err := os.WriteFile(file+".new", []byte(by.String()), 0o600); err != nil {
		return fmt.Errorf("set the clock of %s: %w", name, err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("set the clock of %s: %w", name, err)
	}
	return nil
}

func (f *fleet) clockFile(name string) string { return f.env.Path(name + ".clock") }
