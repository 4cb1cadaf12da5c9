// Pushsim runs the simulators of APNs and FCM as a process of their own, for
// tests that kill what sends to them.
//
//	go run ./push/pushtest/pushsim --dir DIR
//
// It writes its credentials into DIR, prints one line of JSON with the
// addresses, and ends with SIGTERM, SIGINT, or when its standard input is
// closed, so that it does not outlive a harness that is killed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/hawser-edge/hawser/push/pushtest/remote"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(command(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// command is the whole program; it returns the exit code.
func command(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var o remote.Options
	var topics string
	f := flag.NewFlagSet("pushsim", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.Dir, "dir", "", "`DIR` for the credentials; it must exist")
	f.StringVar(&o.APNs.Addr, "apns", "", "`ADDR` of the APNs simulator; any free port of 127.0.0.1 if empty")
	f.StringVar(&o.FCM.Addr, "fcm", "", "`ADDR` of the FCM simulator, likewise")
	f.StringVar(&o.Control, "control", "", "`ADDR` that steers them, likewise")
	f.StringVar(&topics, "topics", "", "bundle `IDS` that the key may send to, with commas between them; all if empty")
	f.StringVar(&o.FCM.Project, "project", "", "Firebase `PROJECT`; \"simulated\" if empty")
	if f.Parse(args) != nil {
		return 2
	}
	if o.Dir == "" || f.NArg() > 0 {
		fmt.Fprintln(stderr, "pushsim: give --dir DIR and no other words")
		return 2
	}
	if topics != "" {
		o.APNs.Topics = strings.Split(topics, ",")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the input, or with the process
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	if err := remote.Run(ctx, o, stdout); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}
