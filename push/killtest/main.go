// Killtest kills push workers and NATS servers while many pushes are under way
// at the providers, and checks that none is lost, that few are made twice and
// that no user sees one twice.
//
// A set is six processes on loopback: three NATS servers with three replicas of
// every stream, a router and one or two push workers, all killed and started
// again as an operator's machines do. The devices are away. The harness has the
// simulators of APNs and FCM, which live on, take their time before they accept
// a push and before they answer, and so know of each kill what it found: pushes
// that were not accepted yet and pushes whose answer was on its way.
//
//	go run ./push/killtest                                  # 500 kills of push workers, 50 of NATS servers
//	go run ./push/killtest --kills 20 --nats-kills 2 --seed 7
//	go run ./push/killtest --pushers 2 --kills 50           # another worker takes over
//
// The truth is the checker's: what publishers were answered and what the
// simulated providers accepted. A user's kind has no further event before the
// last one was pushed to each device, so that nothing covers a push that was
// lost. The exit code is 0 if the run held, 1 if not, 2 for wrong usage.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hawser-edge/hawser/gateway/node/devmode/cmdline"
)

// program is this one's name.
const program = "killtest"

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
	sum, err := runSets(ctx, o, stderr)
	if err == nil {
		err = sum.print(stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, program+":", err)
		return 1
	}
	if why := sum.unmet(); len(why) > 0 {
		for _, w := range why {
			fmt.Fprintln(stderr, program+": not held:", w)
		}
		return 1
	}
	return 0
}
