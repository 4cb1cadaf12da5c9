package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
)

// errHelp says that the usage was asked for and has been printed.
var errHelp = errors.New("help was printed")

// flags is a command's flag.FlagSet with texts that say what to do.
type flags struct {
	*flag.FlagSet
	c *console
	// synopsis is what follows the program's name, as in "notify --user U".
	synopsis string
	// about says what the command does, in a sentence or more.
	about string
}

func newFlags(c *console, name, synopsis, about string) *flags {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	// The package prints errors itself, and too much of them.
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	return &flags{fs, c, synopsis, about}
}

// parse reads args, which may hold no more than positional names besides the
// flags. The error is errHelp where the user asked for the usage.
func (f *flags) parse(args []string, positional ...string) error {
	switch err := f.parseFlags(args); {
	case err != nil:
		return err
	case f.NArg() > len(positional):
		return usagef("%.80q is one word too many: flags come first and a value with spaces needs quotes", f.Arg(len(positional)))
	case f.NArg() < len(positional):
		return usagef("%s is missing: %s %s", positional[f.NArg()], f.c.self, f.synopsis)
	}
	return nil
}

// parseMany reads args, which end in one name or more.
func (f *flags) parseMany(args []string) error {
	if err := f.parseFlags(args); err != nil {
		return err
	}
	if f.NArg() == 0 {
		return usagef("FILE is missing: %s %s", f.c.self, f.synopsis)
	}
	return nil
}

func (f *flags) parseFlags(args []string) error {
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		f.print(f.c.stdout)
		return errHelp
	case err != nil:
		return f.wrong(err)
	}
	return nil
}

// badValue is what package flag says of a value: the value in quotes, the flag,
// and why.
var badValue = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-([^ :]+): (.*)$`)

// wrong puts an error of package flag into words that say what to do.
func (f *flags) wrong(err error) error {
	advice := fmt.Sprintf("for the list: %s help %s", f.c.self, f.Name())
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		var known []string
		f.VisitAll(func(fl *flag.Flag) { known = append(known, fl.Name) })
		if near := config.Nearest(name, known); near != "" {
			return usagef("there is no flag --%s: did you mean --%s?", name, near)
		}
		return usagef("there is no flag --%s; %s", name, advice)
	}
	if name, ok := strings.CutPrefix(err.Error(), "flag needs an argument: -"); ok {
		return usagef("--%s needs a value; %s", name, advice)
	}
	if m := badValue.FindStringSubmatch(err.Error()); m != nil {
		return usagef("--%s %.80s %s; %s", m[2], m[1], f.wants(m[2], m[3]), advice)
	}
	return usagef("%v; %s", err, advice)
}

// wants says what a flag takes. Where the flag's own type refused the value that
// is the reason it gave.
func (f *flags) wants(name, reason string) string {
	ours, ok := f.Lookup(name).Value.(flag.Getter)
	if !ok {
		return reason
	}
	switch ours.Get().(type) {
	case time.Duration:
		return "must be a duration, such as 500ms, 30s or 5m"
	case int, int64:
		return "must be a whole number"
	case bool:
		return "must be true or false, or left out"
	}
	return reason
}

// print writes the usage.
func (f *flags) print(w io.Writer) {
	fmt.Fprintf(w, "Usage: %s %s\n\n%s\n", f.c.self, f.synopsis, f.about)
	heading := "\nFlags:\n"
	f.VisitAll(func(fl *flag.Flag) {
		kind, text := flag.UnquoteUsage(fl)
		fmt.Fprintf(w, "%s  %s\n        %s\n", heading, strings.TrimSpace("--"+fl.Name+" "+kind), text)
		heading = ""
	})
}
