package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// runPush is a command with commands of its own.
func runPush(ctx context.Context, c *console, args []string) error {
	all := map[string]func(context.Context, *console, []string) error{
		"list": pushList, "explain": pushExplain, "requeue": pushRequeue, "test": pushTry,
	}
	if len(args) > 0 {
		if run := all[args[0]]; run != nil {
			return run(ctx, c, args[1:])
		}
		switch args[0] {
		case "-h", "-help", "--help":
			c.printf("Usage: %s push list|explain|requeue|test [flags]\n\n", c.self)
			c.printf("list shows the pushes that wait and those that were given up. explain says what\n" +
				"is known of those of one device. requeue has pushes made after all. test tries an\n" +
				"application's credential. Flags of each: push COMMAND --help\n")
			return nil
		}
	}
	return usagef("say what to do: %s push list, push explain, push requeue or push test", c.self)
}

// pushTimeout bounds one command.
const pushTimeout = 2 * time.Minute

// pushFlags are those of all commands of push.
type pushFlags struct {
	*flags
	file, dev string
	asJSON    bool
}

func newPushFlags(c *console, name, synopsis, about string) *pushFlags {
	f := &pushFlags{flags: newFlags(c, "push "+name, "push "+name+" "+synopsis, about)}
	f.StringVar(&f.file, "config", "", "`FILE` with the configuration of a push process, whose NATS user is used. Default: that of a running dev")
	f.StringVar(&f.dev, "dev", "", devUsage)
	f.BoolVar(&f.asJSON, "json", false, "print JSON, schema hawser.push_"+name+"/1")
	return f
}

func (f *pushFlags) config() (*config.Config, error) {
	file := f.file
	if file == "" {
		s, err := findDev(f.c, f.dev)
		switch {
		case err != nil:
			return nil, err
		case s == nil || s.ConfigFile == "":
			return nil, usagef("--config is missing: name the configuration of a push process, or start %s dev", f.c.self)
		}
		file = s.ConfigFile
	}
	return loadConfig(f.c, file)
}

// atDesk logs in to NATS for what takes no longer than pushTimeout.
func (f *pushFlags) atDesk(ctx context.Context, do func(context.Context, *config.Config, *node.PushDesk) error) error {
	cfg, err := f.config()
	if err != nil {
		return err
	}
	desk, err := node.OpenPushDesk(cfg)
	if err != nil {
		return unreachablef("%w", err)
	}
	defer desk.Close()
	ctx, cancel := context.WithTimeout(ctx, pushTimeout)
	defer cancel()
	return do(ctx, cfg, desk)
}

// tenant is the one that was named, or the only one that there is.
func (f *pushFlags) tenant(cfg *config.Config, named string) (string, error) {
	switch {
	case named == "" && len(cfg.Tenants) != 1:
		return "", usagef("--tenant is missing: the configuration has %d", len(cfg.Tenants))
	case named == "":
		return cfg.Tenants[0].Name, nil
	case !slices.ContainsFunc(cfg.Tenants, func(t config.Tenant) bool { return t.Name == named }):
		return "", usagef("--tenant %.64q is unknown: name one of the configuration's tenants", named)
	}
	return named, nil
}

// filterFlags choose pushes.
func (f *pushFlags) filterFlags(p *pushqueue.Filter) {
	f.StringVar(&p.Tenant, "tenant", "", "`TENANT` whose pushes are meant. Default: all")
	f.StringVar(&p.User, "user", "", "`USER` whose pushes are meant. Default: all")
	f.StringVar(&p.Device, "device", "", "`DEVICE` whose pushes are meant. Default: all")
	f.StringVar(&p.Kind, "kind", "", "`KIND` of the pushes. Default: all")
	f.StringVar(&p.App, "app", "", "`APP` of pushes that were given up, or wait until it goes on. Default: all")
	f.StringVar(&p.Reason, "reason", "", "`TEXT` in the reason for which a push waits or was given up, in any case. Default: all")
}

// pushRow is a push that waits or was given up, as printed. It is added to and
// never changed.
type pushRow struct {
	// ID names what was given up.
	ID     string `json:"id,omitempty"`
	Tenant string `json:"tenant"`
	User   string `json:"user"`
	Device string `json:"device"`
	Kind   string `json:"kind"`
	// Version is a decimal string, as everywhere in hawser's JSON.
	Version string `json:"version"`
	Urgency string `json:"urgency"`
	App     string `json:"app,omitempty"`
	// SinceMs is when the oldest event was published, NotBeforeMs when the push
	// may be made (of one that waits for its app that is not known), DeadMs when it was given up; unix milliseconds.
	SinceMs     int64 `json:"since_ms"`
	NotBeforeMs int64 `json:"not_before_ms,omitempty"`
	DeadMs      int64 `json:"dead_ms,omitempty"`
	// Hold is why it waits: retry, quiet_hours, window or paused.
	Hold     string `json:"hold,omitempty"`
	Failures int    `json:"failures"`
	// Deliveries is how often a push worker was given what was given up.
	Deliveries uint64 `json:"deliveries,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

// holdName is the word for a hold in JSON.
func holdName(j pushqueue.Job, now time.Time) string {
	if !j.NotBefore.After(now) && j.App() == "" {
		return ""
	}
	names := map[int]string{pushqueue.HoldQuiet: "quiet_hours", pushqueue.HoldWindow: "window", pushqueue.HoldPaused: "paused"}
	return cmp.Or(names[j.Hold], "retry")
}
