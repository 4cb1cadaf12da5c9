package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
)

// connectFlags are the flags of connect.
type connectFlags struct {
	*flags
	door deviceDoor
	// The device.
	user, device, transport  string
	platform, app, pushToken string
	background, postQuantum  bool
	versionsFile             string
	// What to do.
	once           int
	logout         bool
	connectTimeout time.Duration
	asJSON         bool
}

func newConnectFlags(c *console) *connectFlags {
	f := &connectFlags{flags: newFlags(c, "connect", "connect --user U --device D [--addr A] [flags]",
		"Connects as a device and prints what is new, and how the connection fares, until\n"+
			"it is interrupted.")}
	f.StringVar(&f.user, "user", "", "`USER` of the device. Required")
	f.StringVar(&f.device, "device", "", "`DEVICE` to be. Required")
	f.StringVar(&f.transport, "transport", client.Auto, "`TRANSPORT` auto, quic or tcp. Default: auto")
	f.BoolVar(&f.postQuantum, "post-quantum", false, "offer a key exchange with ML-KEM")
	f.StringVar(&f.platform, "platform", "other", "`PLATFORM` ios, android or other. Default: other")
	f.StringVar(&f.app, "app", "", "`APP`, the bundle identifier or the Firebase project")
	f.StringVar(&f.pushToken, "push-token", "", "`TOKEN` of the push provider. Default: a stored one stays as it is")
	f.BoolVar(&f.background, "background", false, "be in the background: an ios device is then pushed at once")
	f.StringVar(&f.versionsFile, "versions-file", "", "`FILE` that keeps the versions over runs. Default: begin with nothing")
	f.IntVar(&f.once, "once", 0, "`N`: end after so many events. Default: never")
	f.BoolVar(&f.logout, "logout", false, "remove the device from hawser once connected, and end")
	f.DurationVar(&f.connectTimeout, "connect-timeout", 10*time.Second, "`DURATION` to try for the first connection; 0: forever. Default: 10s")
	f.BoolVar(&f.asJSON, "json", false, "print JSON lines, schemas hawser.connect.event/1 and hawser.connect.state/1")
	f.door.register(f.flags)
	return f
}

// runConnect is a device on the command line.
func runConnect(ctx context.Context, c *console, args []string) error {
	f := newConnectFlags(c)
	if err := f.parse(args); err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	if err := f.door.find(c); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d := &device{flags: f, cancel: cancel, print: newPrinter(c, f.asJSON)}
	cfg, err := d.config(ctx)
	if err != nil {
		return err
	}
	if d.client, err = client.New(cfg); err != nil {
		return usagef("%s", strings.TrimPrefix(err.Error(), "client: "))
	}
	return d.run(ctx)
}

func (f *connectFlags) check() error {
	switch {
	case f.user == "" || f.device == "":
		return usagef("--user and --device are both needed: choose any names that match [A-Za-z0-9_-]{1,64}")
	case !slices.Contains([]string{client.Auto, client.QUIC, client.TCP}, f.transport):
		return usagef("--transport %.20q must be auto, quic or tcp", f.transport)
	case f.pushToken != "" && f.app == "":
		return usagef("--push-token needs --app: name the application the token belongs to")
	case f.once < 0:
		return usagef("--once %d must be a number of events", f.once)
	case f.connectTimeout < 0:
		return usagef("--connect-timeout %s must be above zero, or 0 to try forever", f.connectTimeout)
	}
	return checkNames(f.user, f.device)
}
