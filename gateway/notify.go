package main

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/hawser-edge/hawser/routing/hawserv1"
)

// maxItem is the greatest item, in bytes.
const maxItem = 32 << 10

// notifyFlags are the flags of notify.
type notifyFlags struct {
	*flags
	door publisherDoor
	// The event.
	user, kind, item, id, urgency string
	version                       int64
	// The push.
	title, body, sound, channel string
	badge                       int
	ttl                         time.Duration
	noPush                      bool
	data                        keyValues
	// The answer.
	asJSON bool
}

// notifyResult is what notify --json prints. It is added to and never
// changed.
type notifyResult struct {
	Schema    string `json:"schema"`
	User      string `json:"user"`
	Kind      string `json:"kind"`
	Version   string `json:"version"`
	Duplicate bool   `json:"duplicate"`
}

// unsetTTL stands for a --push-ttl that is not given.
const unsetTTL time.Duration = -1

func newNotifyFlags(c *console) *notifyFlags {
	f := &notifyFlags{flags: newFlags(c, "notify", "notify --user U [--kind K] [--item TEXT] [flags]",
		"Tells every device of a user that there is something new. It returns once the\n"+
			"event is stored; devices that are away are pushed.")}
	f.StringVar(&f.user, "user", "", "`USER` to tell. Required")
	f.StringVar(&f.kind, "kind", "messages", "`KIND` of the news. Default: messages")
	f.StringVar(&f.item, "item", "", "`TEXT` that devices fetch, at most 32 KiB. -: read it from standard input")
	f.StringVar(&f.id, "id", "", "idempotency `ID`: a repeat within the window gets the first answer")
	f.StringVar(&f.urgency, "urgency", "", "`URGENCY` LOW, NORMAL or HIGH. Default: the kind's")
	f.Int64Var(&f.version, "version", 0, "`N`, the new version, where the backend numbers the kind")
	f.StringVar(&f.title, "push-title", "", "`TEXT` of the push's title. Default: the kind's")
	f.StringVar(&f.body, "push-body", "", "`TEXT` of the push's body. Default: the kind's")
	f.StringVar(&f.sound, "push-sound", "", "`NAME` of the push's sound")
	f.IntVar(&f.badge, "push-badge", -1, "`N` on the application's icon. Default: left as it is")
	f.StringVar(&f.channel, "push-channel", "", "`NAME` of the Android notification channel. Default: the kind's")
	f.DurationVar(&f.ttl, "push-ttl", unsetTTL, "`DURATION` the push provider tries, in whole seconds; 0s: once. Default: the kind's")
	f.Var(&f.data, "push-data", "`NAME=VALUE` for the application, may be repeated")
	f.BoolVar(&f.noPush, "no-push", false, "never push for this event")
	f.BoolVar(&f.asJSON, "json", false, "print JSON, schema hawser.notify/1")
	f.door.register(f.flags)
	return f
}

// runNotify is a backend on the command line.
func runNotify(ctx context.Context, c *console, args []string) error {
	f := newNotifyFlags(c)
	if err := f.parse(args); err != nil {
		return err
	}
	req, err := f.request()
	if err != nil {
		return err
	}
	client, err := f.door.open(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.door.timeout)
	defer cancel()
	res, err := client.Notify(ctx, req)
	if err != nil {
		return client.explain(err)
	}
	return f.print(c, res)
}

func (f *notifyFlags) request() (*hawserv1.NotifyRequest, error) {
	if f.user == "" {
		return nil, usagef("--user is missing: name the user to tell")
	}
	item, err := f.readItem()
	if err != nil {
		return nil, err
	}
	urgency := hawserv1.Urgency_URGENCY_UNSPECIFIED
	if f.urgency != "" {
		n, ok := hawserv1.Urgency_value[strings.ToUpper(f.urgency)]
		if !ok || n == 0 {
			return nil, usagef("--urgency %.20q must be LOW, NORMAL or HIGH", f.urgency)
		}
		urgency = hawserv1.Urgency(n)
	}
	push, err := f.push()
	if err != nil {
		return nil, err
	}
	return &hawserv1.NotifyRequest{
		User: f.user, Kind: f.kind, Item: item, Id: f.id, Version: f.version, Urgency: urgency, Push: push,
	}, nil
}

func (f *notifyFlags) readItem() ([]byte, error) {
	item := []byte(f.item)
	if f.item == "-" {
		var err error
		if item, err = io.ReadAll(io.LimitReader(f.c.stdin, maxItem+1)); err != nil {
			return nil, err
		}
	}
	if len(item) > maxItem {
		return nil, usagef("the item is greater than 32 KiB: store it elsewhere and send its address")
	}
	return item, nil
}

// push returns nil where no flag speaks of the push, so that the kind's
// defaults hold.
func (f *notifyFlags) push() (*hawserv1.Push, error) {
	p := &hawserv1.Push{Title: f.title, Body: f.body, Sound: f.sound, Channel: f.channel, Data: f.data, None: f.noPush}
	if f.badge >= 0 {
		badge := int32(min(f.badge, 1<<31-1))
		p.Badge = &badge
	}
	if f.ttl >= 0 {
		s := int64(f.ttl / time.Second)
		p.TtlS = &s
	}
	said := f.title != "" || f.body != "" || f.sound != "" || f.channel != "" || f.ttl >= 0 || f.badge >= 0 || len(f.data) > 0
	switch {
	case f.ttl != unsetTTL && (f.ttl < 0 || f.ttl%time.Second != 0):
		return nil, usagef("--push-ttl %s must be whole seconds", f.ttl)
	case f.noPush && said:
		return nil, usagef("--no-push stands beside another --push flag: keep one")
	case !f.noPush && !said:
		return nil, nil
	}
	return p, nil
}

func (f *notifyFlags) print(c *console, res *hawserv1.NotifyResponse) error {
	version := strconv.FormatInt(res.GetVersion(), 10)
	if f.asJSON {
		return c.json(notifyResult{"hawser.notify/1", f.user, f.kind, version, res.GetDuplicate()})
	}
	if res.GetDuplicate() {
		c.printf("%s of %s is at version %s: stored before under this id\n", f.kind, f.user, version)
		return nil
	}
	c.printf("%s of %s is at version %s: stored\n", f.kind, f.user, version)
	return nil
}

// keyValues is a flag that may be repeated.
type keyValues map[string]string

// String is the flag's default, which is empty.
func (kv *keyValues) String() string { return "" }

// Set adds NAME=VALUE.
func (kv *keyValues) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return errors.New("must be NAME=VALUE")
	}
	if *kv == nil {
		*kv = keyValues{}
	}
	(*kv)[name] = value
	return nil
}

// wireError returns the answer of a server, or nil where err arose on the way
// to it.
func wireError(err error) *connect.Error {
	var e *connect.Error
	if errors.As(err, &e) && connect.IsWireError(err) {
		return e
	}
	return nil
}
