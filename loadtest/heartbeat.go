package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hawser-edge/hawser/heartbeat/natsim"
)

// heartbeats is the command that simulates engines of heartbeats. It holds no
// connections, and shares no flags with those that do.
const heartbeats = "heartbeat"

// maxSeeds bounds the memory of a comparison.
const maxSeeds = 1000

// heartbeatOptions are its flags.
type heartbeatOptions struct {
	world    string
	seed     uint64
	seeds    int
	scale    float64
	policies string
	json     string
}

func heartbeatFlags(o *heartbeatOptions) *flag.FlagSet {
	f := flag.NewFlagSet("loadtest "+heartbeats, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.world, "world", "heartbeat/natsim/worlds/tcp.json", "the `file` of the world")
	f.Uint64Var(&o.seed, "seed", 1, "makes the world definite")
	f.IntVar(&o.seeds, "seeds", 1, "how many seeds, that one and those after it: more than one are printed in a row each, and all together")
	f.Float64Var(&o.scale, "timeout-scale", 1, "multiplies all of the world's timeouts")
	f.StringVar(&o.policies, "policies", strings.Join([]string{natsim.Hawser, natsim.Deaf, natsim.Mars, "fixed:270", "fixed:60"}, ","), "what to compare with the oracle, by commas")
	f.StringVar(&o.json, "json", "", "write the report to this `file`, too; - for stdout alone")
	return f
}

// simulate is the command; it returns the exit code.
func simulate(args []string, stdout, stderr io.Writer) int {
	o := heartbeatOptions{}
	f := heartbeatFlags(&o)
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		f.SetOutput(stdout)
		f.Usage()
		return exitOK
	}
	if err == nil {
		err = o.check(f)
	}
	if err != nil {
		fmt.Fprintf(stderr, "loadtest %s: %v\n", heartbeats, err)
		return exitUsage
	}
	if err := o.run(stdout); err != nil {
		fmt.Fprintf(stderr, "loadtest %s: %v\n", heartbeats, err)
		if errors.Is(err, natsim.ErrWorld) || errors.Is(err, natsim.ErrPolicy) {
			return exitUsage
		}
		return exitFailed
	}
	return exitOK
}

// check looks at what the flags f said.
func (o *heartbeatOptions) check(f *flag.FlagSet) error {
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("%.40q is no flag", f.Arg(0))
	case o.seeds < 1 || o.seeds > maxSeeds:
		return fmt.Errorf("--seeds %d: want 1 to %d", o.seeds, maxSeeds)
	case o.seeds > 1 && given(f, "policies"):
		return errors.New("--seeds compares hawser with Mars and the oracle: leave --policies away")
	case !(o.scale > 0 && o.scale <= 100):
		return fmt.Errorf("--timeout-scale %g: want more than 0 and at most 100", o.scale)
	}
	return nil
}

// simulated is what is printed.
type simulated interface{ WriteTable(io.Writer) error }

func (o *heartbeatOptions) run(stdout io.Writer) error {
	w, err := natsim.Load(o.world)
	if err != nil {
		return err
	}
	r, err := o.compare(w)
	if err != nil {
		return err
	}
	if o.json != "" {
		b, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		b = append(b, '\n')
		if o.json == "-" {
			_, err = stdout.Write(b)
			return err
		}
		if err := os.WriteFile(o.json, b, 0o644); err != nil {
			return err
		}
	}
	return r.WriteTable(stdout)
}

func (o *heartbeatOptions) compare(w natsim.World) (simulated, error) {
	if o.seeds > 1 {
		return natsim.ComparePool(w, o.seed, o.seeds, o.scale)
	}
	return natsim.Compare(w, o.seed, o.scale, strings.Split(o.policies, ","))
}

// given reports whether a flag stands on the command line.
func given(f *flag.FlagSet, name string) bool {
	found := false
	f.Visit(func(fl *flag.Flag) { found = found || fl.Name == name })
	return found
}
