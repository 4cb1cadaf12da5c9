package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// pushExplainResult is what push explain --json prints. It is added to and
// never changed.
type pushExplainResult struct {
	Schema string `json:"schema"`
	Tenant string `json:"tenant"`
	User   string `json:"user"`
	Device string `json:"device"`
	// Registered, HasToken and Configured say whether a push has a way at all.
	Registered bool      `json:"registered"`
	Platform   string    `json:"platform,omitempty"`
	App        string    `json:"app,omitempty"`
	HasToken   bool      `json:"has_token"`
	Configured bool      `json:"configured"`
	Waiting    []pushRow `json:"waiting"`
	Dead       []pushRow `json:"dead"`
	// Sentences say all that in plain words.
	Sentences []string `json:"sentences"`
}

func pushExplain(ctx context.Context, c *console, args []string) error {
	f := newPushFlags(c, "explain", "--user U --device D [--tenant T] [flags]",
		"Says in plain words what is known of a device's pushes: what waits, since when, not\n"+
			"before when and why, what was given up, and whether a push has a way to it at all.")
	var filter pushqueue.Filter
	f.StringVar(&filter.Tenant, "tenant", "", "`TENANT` of the user. Default: the configuration's, where it has one")
	f.StringVar(&filter.User, "user", "", "`USER` of the device. Required")
	f.StringVar(&filter.Device, "device", "", "`DEVICE` in question. Required")
	if err := f.parse(args); err != nil {
		return err
	}
	if filter.User == "" || filter.Device == "" {
		return usagef("--user and --device are needed: name the device in question")
	}
	return f.atDesk(ctx, func(ctx context.Context, cfg *config.Config, desk *node.PushDesk) (err error) {
		if filter.Tenant, err = f.tenant(cfg, filter.Tenant); err != nil {
			return err
		}
		r, err := readExplanation(ctx, desk, filter)
		if err != nil {
			return unreachablef("%w", err)
		}
		if f.asJSON {
			return c.json(r)
		}
		for _, s := range r.Sentences {
			c.printf("%s\n", s)
		}
		return nil
	})
}

// readExplanation reads what is known of the one device that the filter lets
// through.
func readExplanation(ctx context.Context, desk *node.PushDesk, filter pushqueue.Filter) (pushExplainResult, error) {
	const all = 10_000 // a device has no more kinds
	now := time.Now()
	read, err := readPushes(ctx, desk.Reader, filter, all, now)
	if err != nil {
		return pushExplainResult{}, err
	}
	known, err := desk.Device(ctx, filter.Tenant, filter.User, filter.Device)
	if err != nil {
		return pushExplainResult{}, err
	}
	return pushExplainResult{
		Schema: "hawser.push_explain/1", Tenant: filter.Tenant, User: filter.User, Device: filter.Device,
		Registered: known.Found, Platform: known.Platform, App: known.App, HasToken: known.HasToken, Configured: known.Configured,
		Waiting: read.Waiting, Dead: read.Dead, Sentences: explainPushes(known, read, now),
	}, nil
}

// explainPushes puts what was found in sentences.
func explainPushes(d node.PushDevice, r pushListResult, now time.Time) []string {
	all := []string{explainDevice(d)}
	if len(r.Waiting) == 0 {
		all = append(all, "No push waits.")
	}
	for _, w := range r.Waiting {
		all = append(all, explainWaiting(w, now))
	}
	if d.Configured && slices.ContainsFunc(r.Waiting, func(w pushRow) bool { return w.stands(d.App, now) }) {
		all = append(all, "To see whether the push service answers, and takes the app's credential: push test --app "+d.App)
	}
	for _, p := range r.Dead {
		all = append(all, fmt.Sprintf("The push of %s %s was given up %s ago, after %s: %s. To have it made after all: push requeue --id %s",
			p.Kind, p.Version, since(p.DeadMs, now), failedAttempts(p.Failures), p.Reason, p.ID))
	}
	return all
}

// dueFor is for how long a push may be due without anything being wrong.
const dueFor = 15 * time.Second

// stands reports whether a push waits for its application, or should have been
// made by now.
func (p pushRow) stands(app string, now time.Time) bool {
	if p.Hold == "" {
		return now.Sub(time.UnixMilli(p.SinceMs)) > dueFor
	}
	return p.Hold == "paused" && p.App == app
}

func explainDevice(d node.PushDevice) string {
	switch {
	case !d.Found:
		return "No such device is registered for pushes: it never sent a push token, logged out, or was removed. It is not pushed."
	case !d.HasToken:
		return fmt.Sprintf("The device (%s, app %q) has no push token: it sent none, or the provider refused the last one. It is not pushed before it connects with one.", d.Platform, d.App)
	case !d.Configured:
		return fmt.Sprintf("The device's app is %q on %s, for which push.apps of this configuration has no provider: its pushes wait.", d.App, d.Platform)
	default:
		return fmt.Sprintf("The device has a push token of the app %q on %s, registered at %s.", d.App, d.Platform, when(d.RegisteredAt.UnixMilli()))
	}
}

func explainWaiting(w pushRow, now time.Time) string {
	s := fmt.Sprintf("A push of %s %s (%s) waits for news of %s ago", w.Kind, w.Version, w.Urgency, since(w.SinceMs, now))
	why := map[string]string{
		"retry": "an attempt failed", "quiet_hours": "these are the kind's quiet hours",
		"window": "it is not urgent", "paused": "the application is paused",
	}[w.Hold]
	switch {
	case w.Hold == "":
		s += ": it is due, and a push worker has it or will"
	case w.NotBeforeMs == 0:
		s += fmt.Sprintf(", and is made once the app %q goes on: %s", w.App, why)
	default:
		s += fmt.Sprintf(", and is not made before %s, in %s: %s", when(w.NotBeforeMs), since(now.UnixMilli(), time.UnixMilli(w.NotBeforeMs)), why)
	}
	if w.Reason != "" && w.Hold != "quiet_hours" && w.Hold != "window" {
		s += " (" + w.Reason + ")"
	}
	if w.Failures > 0 {
		s += ". So far: " + failedAttempts(w.Failures)
	}
	return s + "."
}

func failedAttempts(n int) string {
	if n == 1 {
		return "one failed attempt"
	}
	return fmt.Sprintf("%d failed attempts", n)
}

func since(ms int64, now time.Time) string {
	return now.Sub(time.UnixMilli(ms)).Round(time.Second).String()
}
