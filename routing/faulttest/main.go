// Faulttest runs a small fleet on this machine, kills its members at random
// and checks that nothing is lost: every event reaches each of its user's
// devices, over a connection or as a push, and no version goes backwards.
//
// Five processes over real sockets: a NATS server, two edges, and two routers,
// the first with the push role beside it. Every user has three devices, one
// connected, one away and one silent. The truth is the checker's: what the
// publisher was answered, what the devices were handed and what the simulated
// push providers received. Nothing that hawser says of itself counts.
//
//	go run ./routing/faulttest                                    # the whole form, about 100 s
//	go run ./routing/faulttest --users 20 --rate 20 --kills 3     # a small one
//
// The exit code is 0 if the run held, 1 if not and 2 for wrong usage. The same
// seed kills the same victims and picks the same users and doors; what happens
// in between is up to the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// command is the whole program; it returns the exit code.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2 // the flag package has said why
	}
	if err := o.check(); err != nil {
		fmt.Fprintln(stderr, "faulttest:", err)
		return 2
	}
	rep, err := execute(ctx, o, func(format string, args ...any) {
		fmt.Fprintf(stderr, "%s "+format+"\n", append([]any{time.Now().Format(clock)}, args...)...)
	})
	if err == nil {
		err = rep.print(stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "faulttest:", err)
		return 1
	}
	if !rep.holds() {
		fmt.Fprintln(stderr, "faulttest: the run did not hold: see above")
		return 1
	}
	return 0
}

func parseFlags(args []string, stderr io.Writer) (options, error) {
	o := full()
	f := flag.NewFlagSet("faulttest", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.users, "users", o.users, "`N` users with three devices each")
	f.IntVar(&o.rate, "rate", o.rate, "`N` events a second, over all users")
	f.StringVar(&o.fault, "fault", o.fault, "`FAULT`: kill, kill-edges or kill-routers")
	f.IntVar(&o.kills, "kills", o.kills, "`N` kills of an edge, and as many of a router; twice as many of the one sort otherwise")
	f.DurationVar(&o.killEvery, "kill-every", o.killEvery, "`DURATION` between two kills")
	f.DurationVar(&o.duration, "duration", o.duration, "`DURATION` of publishing. 0: until 5 s after the last kill")
	f.DurationVar(&o.settle, "settle", o.settle, "`DURATION` to wait at most for what is on its way at the end")
	f.Uint64Var(&o.seed, "seed", o.seed, "`N` that makes the choices; 0: any")
	f.StringVar(&o.transport, "transport", o.transport, "`TRANSPORT` of the connected devices: tcp, quic or auto")
	f.IntVar(&o.slowest, "slowest", o.slowest, "`N` of the slowest deliveries to print, of each sort")
	f.BoolVar(&o.keep, "keep", false, "keep the logs also of a run that held")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		err := fmt.Errorf("%.40q is no flag", f.Arg(0))
		fmt.Fprintln(stderr, "faulttest:", err)
		return o, err
	}
	return o, nil
}
