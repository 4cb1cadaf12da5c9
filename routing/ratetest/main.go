// Ratetest measures how much the way through hawser costs beside the same
// way through NATS alone: from a publication to a device's socket, and from a
// publication to a pull consumer, with the same replicas, the same messages
// and the same rate, in one run.
//
// The servers, one router, one edge, the devices, which speak TLS over real
// sockets, and the consumers compared with are processes of their own.
//
//	go run ./routing/ratetest                   # three NATS servers, about two minutes
//	go run ./routing/ratetest --replicas 1      # one
//
// It first finds how many events a second each way takes at most, then runs
// both at half of what hawser takes, in turns and on the same events at once.
// The exit code is 0 if the run counted up, 1 if not and 2 for wrong usage:
// times are reported, and judged by whoever reads them.
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
)

// program is this one's name.
const program = "ratetest"

func main() {
	if os.Getenv(hearEnv) != "" {
		os.Exit(hear(os.Stdin, os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// command is the whole program; it returns the exit code.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := defaults()
	if code, goOn := cmdline.Read(o.flags(), args, stderr, o.check); !goOn {
		return code
	}
	rep, err := execute(ctx, o, func(format string, args ...any) {
		fmt.Fprintf(stderr, time.Now().Format("15:04:05")+" "+format+"\n", args...)
	})
	if err == nil {
		err = rep.write(stdout, o.json)
	}
	if err != nil {
		fmt.Fprintln(stderr, program+":", err)
		return 1
	}
	if rep.Missing > 0 {
		fmt.Fprintf(stderr, program+": %d events did not arrive\n", rep.Missing)
		return 1
	}
	return 0
}

// flags set the options.
func (o *options) flags() *flag.FlagSet {
	f := flag.NewFlagSet(program, flag.ContinueOnError)
	f.IntVar(&o.replicas, "replicas", o.replicas, "`N` NATS servers and replicas of each stream: 1 or 3")
	f.IntVar(&o.users, "users", o.users, "`N` users with one connected device each; as many events are under way at most")
	f.IntVar(&o.size, "size", o.size, "`BYTES` of an event's item")
	f.IntVar(&o.rate, "rate", o.rate, "`N` events a second of the compared rounds; 0: half of hawser's most")
	f.IntVar(&o.rounds, "rounds", o.rounds, "`N` rounds of each way")
	f.DurationVar(&o.round, "round", o.round, "`DURATION` of a round")
	f.DurationVar(&o.most, "most", o.most, "`DURATION` of the search for the most that each way takes")
	f.BoolVar(&o.json, "json", false, "print one JSON object instead of the table")
	f.BoolVar(&o.keep, "keep", false, "keep the processes' logs")
	return f
}
