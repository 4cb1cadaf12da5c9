package main

import (
	"errors"
	"flag"
	"io"
	"regexp"
	"strings"
	"time"
)

// options of the commands with a fleet.
type options struct {
	scale    int
	timeouts durations
	homes    int
	phones   int
	only     pattern
	probes   bool
	learn    time.Duration
	settle   time.Duration
	hold     time.Duration
	bound    time.Duration
	together bool
	dir      string
}

func defaults() options {
	return options{
		scale: 10, timeouts: durations{6 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second, 30 * time.Second},
		homes: 8, phones: 8, probes: true,
		learn: 20 * time.Minute, settle: time.Minute, hold: 6 * time.Minute, bound: 2 * time.Second,
	}
}

func parseOptions(command string, args []string, stderr io.Writer) (options, error) {
	o := defaults()
	f := flag.NewFlagSet("netlab "+command, flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.scale, "time-scale", o.scale, "`N` times as fast as it is made for, heartbeats' time passes, at the edge and at the phones")
	f.Var(&o.timeouts, "timeouts", "`DURATIONS` after which the NATs forget, with commas between them, one after the other")
	f.IntVar(&o.homes, "homes", o.homes, "`N` homes behind each NAT, each with an address of its own")
	f.IntVar(&o.phones, "phones", o.phones, "`N` phones in each home")
	f.Var(&o.only, "only", "regular `EXPRESSION` that the names of the NATs to try match")
	f.BoolVar(&o.probes, "probes", o.probes, "have the edge test silences; without it only NATs are tried that hide what they forget, and something must be lost")
	f.BoolVar(&o.together, "together", o.together, "have all NATs in front of one edge, which takes each for a network of the same kind")
	f.DurationVar(&o.learn, "learn", o.learn, "`DURATION` to wait at most until the intervals fit")
	f.DurationVar(&o.settle, "settle", o.settle, "`DURATION` for which they have to fit")
	f.DurationVar(&o.hold, "hold", o.hold, "`DURATION` for which nothing may be lost after that; an hour divided by the scale")
	f.DurationVar(&o.bound, "bound", o.bound, "`DURATION` within which a notify has to be heard")
	f.StringVar(&o.dir, "dir", "", "`FOLDER` with the program; set by this one")
	if err := f.Parse(args); err != nil {
		return o, errors.Join(errUsage, err)
	}
	return o, nil
}

// scaled is a time of heartbeats' on the clock.
func scaled(d time.Duration, scale int) time.Duration { return d / time.Duration(max(scale, 1)) }

// sorts are those that the run is about.
func (o options) sorts() (some []sortOfNAT) {
	for _, s := range sortsOfNAT() {
		if o.only.matches(s.String()) && (o.probes || s.masks()) {
			some = append(some, s)
		}
	}
	return some
}

// durations is a flag: some, with commas between them.
type durations []time.Duration

func (d *durations) String() string {
	var words []string
	for _, one := range *d {
		words = append(words, one.String())
	}
	return strings.Join(words, ",")
}

// Set parses the flag.
func (d *durations) Set(text string) error {
	*d = nil
	for _, word := range strings.Split(text, ",") {
		one, err := time.ParseDuration(word)
		if err != nil {
			return err
		}
		*d = append(*d, one)
	}
	return nil
}

// pattern is a flag: a regular expression. The zero value matches everything.
type pattern struct{ *regexp.Regexp }

func (p *pattern) String() string {
	if p.Regexp == nil {
		return ""
	}
	return p.Regexp.String()
}

// Set parses the flag.
func (p *pattern) Set(text string) (err error) {
	p.Regexp, err = regexp.Compile(text)
	return err
}

func (p *pattern) matches(name string) bool { return p.Regexp == nil || p.MatchString(name) }
