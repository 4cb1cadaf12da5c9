// Netlab tries heartbeats on real NATs: network namespaces of Linux with
// nftables and the kernel's own connection tracking between a device and an
// edge.
//
//	go run ./heartbeat/netlab facts                  what a NAT does to a connection that was silent for too long
//	go run ./heartbeat/netlab learn                  the real edge and the real SDK behind NATs of every sort
//	go run ./heartbeat/netlab learn --probes=false   the same without the edge's probes, which must lose something
//	go run ./heartbeat/netlab change --timeouts 20s,10s
//	                                                 NATs that begin to forget sooner, and later again
//
// It needs root, ip and nft. Whatever ends it, nothing of the networks is
// left. The exit code is 0 if all was as it should be, 1 if not, 2 for wrong
// usage or a system without namespaces, 3 if it was not but the machine stopped
// the lab for so long that this says nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/node/devmode/netspace"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitStill  = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// A part is one of the things that the program does inside.
type part func(ctx context.Context, args []string, stdout, stderr io.Writer) error

func parts() map[string]part {
	return map[string]part{"facts": runFacts, "learn": runLearn, "change": runChange, partPhones: runPhones}
}

// partPhones is what this program is as its own child.
const partPhones = "phones"

// withFleet are the parts that need the program hawser.
var withFleet = []string{"learn", "change"}

// programName is its file's.
const programName = "hawser"

// errUsage is for what was typed wrongly.
var errUsage = errors.New("wrong usage")

// command is the whole program; it returns the exit code.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := perform(ctx, args, stdout, stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(stderr, "netlab:", err)
	}
	var inner exitCode
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.As(err, &inner):
		return int(inner)
	case errors.Is(err, errUsage), errors.Is(err, netspace.ErrImpossible):
		return exitUsage
	case errors.Is(err, errStoodStill):
		return exitStill
	}
	return exitFailed
}

// exitCode is that of the process inside, which has said why.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("the lab ended with exit code %d", int(c)) }

func perform(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || parts()[args[0]] == nil {
		return fmt.Errorf("%w: say facts, learn or change", errUsage)
	}
	do := parts()[args[0]]
	switch {
	case !netspace.Inside():
		return outside(ctx, args, stdout, stderr)
	case args[0] == partPhones: // in the enclosure that is furnished already
		return do(ctx, args[1:], stdout, stderr)
	}
	if err := netspace.Furnish(); err != nil {
		return err
	}
	return do(ctx, args[1:], stdout, stderr)
}

// outside builds what is needed and runs the same inside.
func outside(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if err := netspace.Possible("nft"); err != nil {
		return err
	}
	if !slices.Contains(withFleet, args[0]) {
		return enclose(ctx, args, stdout, stderr)
	}
	dir, err := os.MkdirTemp("", "hawser-netlab-")
	if err != nil {
		return fmt.Errorf("make a folder for the run: %w", err)
	}
	if err := devmode.Build(ctx, filepath.Join(dir, programName), devmode.HawserPackage); err != nil {
		return err
	}
	if err := enclose(ctx, append(args, "--dir", dir), stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "logs and configurations are in", dir)
		return err
	}
	return os.RemoveAll(dir)
}

func enclose(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	code, err := netspace.Enclose(ctx, args, stdout, stderr)
	if err == nil && code != 0 {
		err = exitCode(code)
	}
	return err
}

func runFacts(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("netlab facts", flag.ContinueOnError)
	f.SetOutput(stderr)
	timeout := f.Duration("timeout", 6*time.Second, "`DURATION` after which the NATs forget")
	if err := f.Parse(args); err != nil {
		return errors.Join(errUsage, err)
	}
	facts, err := lookAtAll(ctx, *timeout)
	if err != nil {
		return err
	}
	if err := printFacts(stdout, facts); err != nil {
		return err
	}
	var wrong error
	for i, s := range sortsOfNAT() {
		if want := s.expected(); !facts[i].agrees(want) {
			wrong = errors.Join(wrong, fmt.Errorf("%v: saw %+v, want %+v", s, facts[i], want))
		}
	}
	return wrong
}
