package main

import (
	"context"
	"strconv"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// pushListResult is what push list --json prints. It is added to and never
// changed.
type pushListResult struct {
	Schema  string    `json:"schema"`
	Waiting []pushRow `json:"waiting"`
	Dead    []pushRow `json:"dead"`
	// More is set where --limit left some out.
	More bool `json:"more"`
}

func pushList(ctx context.Context, c *console, args []string) error {
	f := newPushFlags(c, "list", "[--tenant T] [--user U] [--app A] [--reason TEXT] [--limit N] [flags]",
		"Prints the pushes that wait, and those that were given up: the oldest first, with\n"+
			"since when, not before when, and why. What is shown has neither tokens nor content.")
	var filter pushqueue.Filter
	f.filterFlags(&filter)
	limit := f.Int("limit", 100, "`N` of each to print at most. Default: 100")
	if err := f.parse(args); err != nil {
		return err
	}
	if *limit < 1 {
		return usagef("--limit %d must be 1 or more", *limit)
	}
	return f.atDesk(ctx, func(ctx context.Context, _ *config.Config, desk *node.PushDesk) error {
		r, err := readPushes(ctx, desk.Reader, filter, *limit, time.Now())
		if err != nil {
			return unreachablef("%w", err)
		}
		if f.asJSON {
			return c.json(r)
		}
		r.print(c)
		return nil
	})
}

// readPushes reads no more than limit of each kind.
func readPushes(ctx context.Context, from *pushqueue.Reader, filter pushqueue.Filter, limit int, now time.Time) (pushListResult, error) {
	r := pushListResult{Schema: "hawser.push_list/1", Waiting: []pushRow{}, Dead: []pushRow{}}
	add := func(rows *[]pushRow, row pushRow) bool {
		if len(*rows) >= limit {
			r.More = true
			return false
		}
		*rows = append(*rows, row)
		return true
	}
	err := from.Waiting(ctx, filter, func(w pushqueue.WaitingJob) bool { return add(&r.Waiting, rowOf(w.Job, now)) })
	if err != nil {
		return r, err
	}
	err = from.Letters(ctx, filter, func(l pushqueue.Letter) bool {
		row := rowOf(l.Job, now)
		row.ID, row.App, row.DeadMs, row.Deliveries = l.ID(), l.App, l.DeadAt.UnixMilli(), l.Deliveries
		return add(&r.Dead, row)
	})
	return r, err
}

func rowOf(j pushqueue.Job, now time.Time) pushRow {
	row := pushRow{
		Tenant: j.Tenant, User: j.User, Device: j.Device, Kind: j.Kind, Version: strconv.FormatInt(j.Version, 10),
		Urgency: routing.Urgency(j.Urgency).String(), SinceMs: j.EventAt.UnixMilli(),
		Hold: holdName(j, now), Failures: j.Failures, Reason: j.Reason, App: j.App(),
	}
	if row.Hold != "" && row.App == "" {
		row.NotBeforeMs = j.NotBefore.UnixMilli()
	}
	return row
}

func (r pushListResult) print(c *console) {
	if len(r.Waiting)+len(r.Dead) == 0 {
		c.printf("no pushes wait, and none were given up\n")
	}
	for _, w := range r.Waiting {
		c.printf("waits     %s\n", w.line())
	}
	for _, d := range r.Dead {
		c.printf("given up  %s\n", d.line())
	}
	if r.More {
		c.hintf("there are more: narrow it down, or raise --limit\n")
	}
}

func (p pushRow) line() string {
	s := p.Tenant + "/" + p.User + "/" + p.Device + "  " + p.Kind + " " + p.Version + "  since " + when(p.SinceMs)
	switch {
	case p.NotBeforeMs != 0:
		s += "  not before " + when(p.NotBeforeMs) + " (" + p.Hold + ")"
	case p.Hold != "":
		s += "  until its app goes on (" + p.Hold + ")"
	}
	if p.DeadMs != 0 {
		s += "  at " + when(p.DeadMs) + "  id " + p.ID
	}
	if p.App != "" {
		s += "  app " + p.App
	}
	if p.Reason != "" {
		s += "  " + p.Reason
	}
	if p.Failures > 0 {
		s += "  after " + strconv.Itoa(p.Failures) + " failed"
	}
	return s
}

func when(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }
