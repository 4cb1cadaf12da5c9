// Hawser is an edge connection gateway with push bridges. This program is
// all of it: the roles edge, router and push (serve), a whole fleet in one
// process for a developer (dev, demo), and the tools of backends and
// operators.
//
// Results go to standard output and logs, as JSON lines, to standard error.
// The exit code is 0 for done, 1 for failed, 2 for wrong usage and 3 where
// something could not be reached. "hawser help" lists the commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first signal asks a command to end well. stop then gives the
	// signals back, so that the second one ends the process.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	c := &console{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		environ: os.Environ(), self: invocation(),
	}
	os.Exit(int(run(ctx, c, os.Args[1:])))
}
