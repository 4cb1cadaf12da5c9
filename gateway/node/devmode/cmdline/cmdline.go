// Package cmdline reads the command lines of the programs that try fleets.
package cmdline

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// Exit codes.
const (
	exitOK    = 0
	exitUsage = 2
)

// Read has f read args, and check judge what they make together. goOn is false
// where there is nothing to be done then: help was asked for and printed, or
// stderr was told what is wrong. code is the exit code in that case.
func Read(f *flag.FlagSet, args []string, stderr io.Writer, check func() error) (code int, goOn bool) {
	f.SetOutput(stderr)
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK, false
	case err != nil:
		return exitUsage, false // the flag package has said why
	}
	err := check()
	if f.NArg() > 0 {
		err = fmt.Errorf("%.40q is no flag", f.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", f.Name(), err)
		return exitUsage, false
	}
	return exitOK, true
}
