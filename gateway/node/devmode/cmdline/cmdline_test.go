package cmdline_test

import (
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/hawser-edge/hawser/gateway/node/devmode/cmdline"
)

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		args string
		code int
		goOn bool
		says string
	}{
		{"", 0, true, ""},
		{"--runs 3", 0, true, ""},
		{"--runs -1", 2, false, "trial: --runs must not be below 0"},
		{"--runs 3 more", 2, false, `trial: "more" is no flag`},
		{"--walks 3", 2, false, "not defined: -walks"},
		{"--help", 0, false, "how many runs"},
	} {
		f := flag.NewFlagSet("trial", flag.ContinueOnError)
		runs := f.Int("runs", 1, "how many runs")
		var stderr strings.Builder
		code, goOn := cmdline.Read(f, strings.Fields(tt.args), &stderr, func() error {
			if *runs < 0 {
				return errors.New("--runs must not be below 0")
			}
			return nil
		})
		if code != tt.code || goOn != tt.goOn || !strings.Contains(stderr.String(), tt.says) || tt.says == "" && stderr.Len() > 0 {
			t.Errorf("%q: code %d, goes on: %v, says %q", tt.args, code, goOn, stderr.String())
		}
	}
}
