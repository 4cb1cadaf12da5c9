package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// lookAtAll tries every sort of NAT side by side, each with the same timeout
// and a silence of half as much again.
func lookAtAll(ctx context.Context, timeout time.Duration) ([]fact, error) {
	if err := newLab(); err != nil {
		return nil, err
	}
	sorts := sortsOfNAT()
	facts, errs := make([]fact, len(sorts)), make([]error, len(sorts))
	var work sync.WaitGroup
	for i, s := range sorts {
		n, err := newNAT(i+1, 2, s.kind, timeout)
		if err != nil {
			errs[i] = err
			break
		}
		work.Go(func() {
			facts[i], err = trial{n, s.tcp, timeout * 3 / 2}.look(ctx)
			errs[i] = errors.Join(err, n.Close())
		})
	}
	work.Wait()
	return facts, errors.Join(errs...)
}

// sortOfNAT is a NAT and what is sent through it.
type sortOfNAT struct {
	tcp  bool
	kind natKind
}

// sortsOfNAT are all that differ: what UDP is, tcp_loose does not touch.
func sortsOfNAT() (all []sortOfNAT) {
	for _, tcp := range []bool{false, true} {
		for _, loose := range []bool{true, false} {
			if !tcp && !loose {
				continue
			}
			for _, random := range []bool{false, true} {
				for _, drop := range []bool{false, true} {
					all = append(all, sortOfNAT{tcp, natKind{loose, random, drop}})
				}
			}
		}
	}
	return all
}

// masks reports whether a beat of the device is answered as if nothing had
// been lost, after the NAT has forgotten the connection.
func (s sortOfNAT) masks() bool { return !s.kind.random && (s.kind.loose || !s.tcp) }

func (s sortOfNAT) String() string {
	if !s.tcp {
		_, rest, _ := strings.Cut(s.kind.String(), ", ") // loose is of TCP
		return "QUIC, " + rest
	}
	return "TCP, " + s.kind.String()
}

// expected is what the design of the heartbeats assumes.
func (s sortOfNAT) expected() fact {
	f := fact{TCP: s.tcp, Kind: s.kind, Forgotten: true, Push: lost}
	switch {
	case !s.tcp && s.kind.random:
		f.Beat = moved
	case s.masks():
		f.Beat = answered
	case !s.kind.loose:
		f.Beat = silence
	default:
		f.Beat = reset
	}
	if !s.tcp {
		return f
	}
	f.EdgeReset = !s.kind.drop
	if s.masks() && s.kind.drop {
		f.Push = late
	}
	return f
}

// agrees compares all but how long something took.
func (f fact) agrees(want fact) bool {
	f.Delivered, want.Delivered = 0, 0
	return f == want
}

// printFacts writes the table.
func printFacts(w io.Writer, facts []fact) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "transport\tNAT\tedge speaks first\tdevice speaks first")
	for _, f := range facts {
		transport := map[bool]string{false: "UDP", true: "TCP"}[f.TCP]
		fmt.Fprintf(t, "%s\t%v\t%s\t%s\n", transport, f.Kind, f.pushed(), f.Beat)
	}
	return t.Flush()
}

func (f fact) pushed() string {
	switch {
	case f.EdgeReset:
		return string(f.Push) + ", the edge gets RST"
	case f.Push == late:
		return fmt.Sprintf("%s, by %.1f s", f.Push, f.Delivered.Seconds())
	}
	return string(f.Push)
}
