// Faulttest runs a small fleet on this machine, breaks it in many ways and
// checks that nothing is lost: every event reaches each of its user's devices,
// over a connection or as a push, and no version goes backwards.
//
// Nine processes: three NATS servers with three replicas of every stream, two
// edges, two routers and two push workers, each in a network namespace of its
// own. Devices, backends and the simulators of APNs and FCM are in the harness.
// The truth is the checker's: what the publishers were answered, what the
// devices were handed and what the simulated providers received. Nothing that
// hawser says of itself counts.
//
//	go run ./routing/faulttest                                        # all faults, as root
//	go run ./routing/faulttest --fault kill-router,drop-edge --seed 7
//	go run ./routing/faulttest --loopback --users 50 --rate 50 --hot-rate 100 --fault kill-edge
//
// The exit code is 0 if the run held, 1 if not, 2 for wrong usage or a system
// that has no namespaces. The same seed strikes the same victims and picks the
// same users and doors; what happens in between is up to the machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode/cmdline"
	"github.com/hawser-edge/hawser/gateway/node/devmode/netspace"
)

// program is this one's name.
const program = "faulttest"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// command is the whole program; it returns the exit code.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := full()
	if code, goOn := cmdline.Read(o.flags(), args, stderr, o.check); !goOn {
		return code
	}
	if netspace.Inside() {
		return runInside(ctx, o, stdout, stderr)
	}
	code, err := runSeeds(ctx, o, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, program+":", err)
	}
	return code
}

// runInside is the one run of a process that has its namespaces already.
func runInside(ctx context.Context, o options, stdout, stderr io.Writer) int {
	if err := netspace.Furnish(); err != nil {
		fmt.Fprintln(stderr, program+":", err)
		return 1
	}
	return runOne(ctx, o, stdout, stderr)
}

// runOne is one run in this process.
func runOne(ctx context.Context, o options, stdout, stderr io.Writer) int {
	rep, err := execute(ctx, o, func(format string, args ...any) {
		fmt.Fprintf(stderr, "%s seed %d: "+format+"\n", append([]any{time.Now().Format(clock), o.seed}, args...)...)
	})
	if err == nil {
		err = rep.print(stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, program+":", err)
		return 1
	}
	if !rep.holds() {
		fmt.Fprintf(stderr, program+": the run with seed %d did not hold: see its table\n", o.seed)
		return 1
	}
	return 0
}

// flags set the options.
func (o *options) flags() *flag.FlagSet {
	f := flag.NewFlagSet(program, flag.ContinueOnError)
	f.StringVar(&o.fault, "fault", o.fault, "`FAULTS`: all, or names with commas between them; a wrong one lists them")
	f.Uint64Var(&o.seed, "seed", o.seed, "`N` that makes the choices")
	f.IntVar(&o.seeds, "seeds", o.seeds, "`N` runs, with that seed and those after it")
	f.IntVar(&o.side, "side", o.side, "`N` of these runs side by side")
	f.IntVar(&o.users, "users", o.users, "`N` users over both tenants, with three devices each")
	f.IntVar(&o.rate, "rate", o.rate, "`N` events a second, over all users")
	f.IntVar(&o.hotRate, "hot-rate", o.hotRate, "`N` events a second more, for one user")
	f.IntVar(&o.phones, "phones", o.phones, "`N` connected devices with the SDK, in turns over TCP and QUIC; the others speak frames")
	f.DurationVar(&o.hold, "hold", o.hold, "`DURATION` of faults that have an end")
	f.DurationVar(&o.calm, "calm", o.calm, "`DURATION` between two faults")
	f.DurationVar(&o.heal, "heal", o.heal, "`DURATION` to wait at most, after a fault, for what connected devices lack")
	f.DurationVar(&o.settle, "settle", o.settle, "`DURATION` to wait at most for what is on its way at the end")
	f.BoolVar(&o.loopback, "loopback", false, "have the members side by side on loopback: no root, no dropped packets, no full disks")
	f.BoolVar(&o.strict, "strict", false, "fail over the limits of time as they are, not only where they are clearly exceeded")
	f.BoolVar(&o.lenient, "lenient", false, "print the limits of time and do not fail over them")
	f.BoolVar(&o.keep, "keep", false, "keep the logs also of a run that held")
	f.StringVar(&o.dir, "dir", "", "`FOLDER` for programs and logs, which stays; otherwise one that is made")
	return f
}

// args are the flags that make the same options for one run.
func (o options) args(seed uint64, dir string) []string {
	return []string{
		"--fault", o.fault, "--seed", fmt.Sprint(seed), "--dir", dir,
		"--users", fmt.Sprint(o.users), "--rate", fmt.Sprint(o.rate), "--hot-rate", fmt.Sprint(o.hotRate),
		"--phones", fmt.Sprint(o.phones), "--hold", o.hold.String(), "--calm", o.calm.String(), "--heal", o.heal.String(), "--settle", o.settle.String(),
		fmt.Sprintf("--strict=%t", o.strict), fmt.Sprintf("--lenient=%t", o.lenient), fmt.Sprintf("--loopback=%t", o.loopback),
	}
}
