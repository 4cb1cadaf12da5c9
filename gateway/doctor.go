package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/node"
)

// doctorTimeout bounds the question to the process. Its own checks have 2 s.
const doctorTimeout = 4 * time.Second

// doctorResult is what doctor --json prints. It is added to and never changed.
type doctorResult struct {
	Schema string        `json:"schema"`
	OK     bool          `json:"ok"`
	Checks []doctorCheck `json:"checks"`
}

// doctorCheck is one thing that was looked at.
type doctorCheck struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Reason is why the check does not hold, or what to look at though it
	// does. Mostly empty.
	Reason string `json:"reason,omitempty"`
}

var errDoctor = errors.New("something does not hold: see above")

// runDoctor asks a running process whether it can take work, and looks at what
// the process needs.
func runDoctor(ctx context.Context, c *console, args []string) error {
	f := newFlags(c, "doctor", "doctor [--config FILE] [--admin ADDR] [--dev DIR] [--json]",
		"Asks a running process, on the machine or in the container where it runs, whether\n"+
			"it can take work, and prints each of its checks. With --config it also checks the\n"+
			"file and logs in to each NATS server as each role does. The exit code is 0 if\n"+
			"all holds, 1 if something does not, 3 if the process does not answer.")
	file := f.String("config", "", "`FILE` with the process's configuration")
	addr := f.String("admin", "", "`ADDR` of health and metrics. Default: the configuration's, a running dev's, or 127.0.0.1:7490")
	devDir := f.String("dev", "", devUsage)
	asJSON := f.Bool("json", false, "print JSON, schema hawser.doctor/1")
	if err := f.parse(args); err != nil {
		return err
	}
	r := doctorResult{Schema: "hawser.doctor/1", OK: true, Checks: []doctorCheck{}}
	if *file != "" {
		cfg, err := loadConfig(c, *file)
		if err != nil {
			return err
		}
		*addr = cmp.Or(*addr, cfg.Admin.Listen)
		for _, n := range node.CheckNATS(cfg) {
			r.add("nats server "+n.URL+" as "+n.User, n.Err)
		}
	}
	if *addr == "" {
		dev, err := findDev(c, *devDir)
		switch {
		case err != nil:
			return err
		case dev != nil && (*devDir != "" || dev.Alive(ctx)): // one that was killed leaves its state behind
			*addr = strings.TrimPrefix(dev.Admin, "http://")
		}
	}
	asked := r.askProcess(ctx, cmp.Or(*addr, "127.0.0.1:7490"))
	if err := r.print(c, *asJSON); err != nil {
		return err
	}
	switch {
	case asked != nil:
		return unreachablef("the process does not answer: %w. Start it, or name its address with --admin", asked)
	case !r.OK:
		return errDoctor
	}
	return nil
}

func (r *doctorResult) add(name string, err error) {
	check := doctorCheck{Name: name, OK: err == nil}
	if err != nil {
		check.Reason = err.Error()
	}
	r.addCheck(check)
}

func (r *doctorResult) addCheck(check doctorCheck) {
	r.Checks = append(r.Checks, check)
	r.OK = r.OK && check.OK
}

// askProcess takes over the checks of /readyz. The error says that there was
// no answer.
func (r *doctorResult) askProcess(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	// A process that listens everywhere is asked here.
	if host, port, err := net.SplitHostPort(addr); err == nil && (host == "" || net.ParseIP(host).IsUnspecified()) {
		addr = net.JoinHostPort("127.0.0.1", port)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", addr, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var ready struct {
		Ready  bool `json:"ready"`
		Checks []struct {
			Name   string `json:"name"`
			Ready  bool   `json:"ready"`
			Reason string `json:"reason"`
			Note   string `json:"note"`
		} `json:"checks"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&ready); err != nil {
		return fmt.Errorf("what answers at %s is no hawser: %w", addr, err)
	}
	for _, check := range ready.Checks {
		r.addCheck(doctorCheck{Name: check.Name, OK: check.Ready, Reason: cmp.Or(check.Reason, check.Note)})
	}
	r.addCheck(doctorCheck{Name: "ready", OK: ready.Ready})
	return nil
}

func (r *doctorResult) print(c *console, asJSON bool) error {
	if asJSON {
		return c.json(r)
	}
	for _, check := range r.Checks {
		word := "ok"
		if !check.OK {
			word = "NO"
		}
		line := word + "  " + check.Name
		if check.Reason != "" {
			line += ": " + check.Reason
		}
		c.printf("%s\n", line)
	}
	return nil
}
