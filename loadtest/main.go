// Loadtest holds connections to edges and measures what they cost: the memory
// of the edge, the time until a notify is heard, and whether any is lost.
//
//	go run ./loadtest density --spawn --conns 10000     what an idle connection costs
//	go run ./loadtest notify --spawn --rate 500         how long news takes
//	go run ./loadtest churn --spawn --rate 200          devices that come and go
//	go run ./loadtest storm --spawn --storm 30000       everyone comes back at once
//	go run ./loadtest peers --spawn --conns 10000       the same beside an MQTT broker
//	go run ./loadtest heartbeat --seed 1                simulated networks under hawser's engine of heartbeats and others
//
// With --spawn the edge under test is a process of its own, and NATS, a router
// and a push worker are another one. With --addr a deployment is tested that
// is there. The devices are held by worker processes, as many as the number of
// file descriptors asks for.
//
// The exit code is 0 if every connection was held and every version heard, 1
// if not, 2 for wrong usage, 3 where something could not be reached and 99
// where a --fail-if says so.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitThreshold   = 99
)

func main() {
	args := os.Args[1:]
	if part, ok := internalPart(args); ok {
		os.Exit(part(args[1:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The second signal ends at once.
	context.AfterFunc(ctx, stop)
	os.Exit(command(ctx, args, os.Stdout, os.Stderr))
}

// internalPart is what this program is as its own child.
func internalPart(args []string) (func([]string) int, bool) {
	if len(args) == 0 {
		return nil, false
	}
	part, ok := map[string]func([]string) int{partNATS: runNATS, partWorker: runWorker, partBare: runBare}[args[0]]
	return part, ok
}

// command is the whole program but for its children; it returns the exit
// code.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == heartbeats {
		return simulate(args[1:], stdout, stderr)
	}
	o, err := parse(args, stdout)
	switch {
	case errors.Is(err, errHelp):
		return exitOK
	case err != nil:
		fmt.Fprintln(stderr, "loadtest:", err)
		return exitUsage
	}
	rep, err := execute(ctx, o, newNarrator(stderr))
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "loadtest: interrupted")
		return exitFailed
	}
	if err != nil {
		fmt.Fprintf(stderr, "loadtest %s: %v\n", o.command, err)
		if errors.Is(err, errUnreachable) {
			return exitUnreachable
		}
		return exitFailed
	}
	if err := rep.write(o, stdout); err != nil {
		fmt.Fprintf(stderr, "loadtest %s: %v\n", o.command, err)
		return exitFailed
	}
	return rep.exitCode(stderr)
}

// exitCode says on stderr why it is not 0.
func (r *report) exitCode(stderr io.Writer) int {
	code := exitOK
	if !r.OK {
		fmt.Fprintln(stderr, "loadtest: not ok:", strings.Join(r.Reasons, "; "))
		code = exitFailed
	}
	for _, t := range r.Thresholds {
		if t.Failed {
			fmt.Fprintf(stderr, "loadtest: --fail-if %q: it is %s\n", t.Rule, t.saw())
			code = exitThreshold
		}
	}
	return code
}
