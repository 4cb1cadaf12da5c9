package main

import (
	"fmt"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/routing"
)

// writeDevGuide says what runs and what to type next. Every line can be
// typed as it stands, in another terminal.
func writeDevGuide(c *console, s config.DevState, env *devmode.Environment, dir, configFile string) {
	self := c.self
	// The commands find a dev by themselves only in the usual place.
	where := ""
	if usual, err := config.DevDir(c.getenv); err != nil || usual != dir {
		where = " --dev " + dir
	}
	c.printf(`hawser dev runs: edge, router and push in this process, with NATS and simulators of APNs and FCM.

  devices   %s  (TCP and UDP)
  backends  %s
            API key in %s
  NATS      %s
            a backend is the user %s, password in %s
            it answers devices' calls of the service echo at %s (routing/README.md)
  admin     %s/metrics  /healthz  /readyz
  config    %s

In a second terminal, be a device:

  %s connect%s --user alice --device phone

In a third one, be a backend, in either way:

  %s notify%s --user alice --item "hello"

  %s

See a push arrive here: register a phone, end it with Ctrl-C, then notify its user.

  %s connect%s --user bob --device phone --platform ios --app %s \
    --push-token %s
  %s notify%s --user bob --item "hello" --push-title "From alice" --push-body "hello"

Ctrl-C ends everything. Pushes that the simulators receive:
`,
		s.Addr, s.API, s.APIKeyFile,
		env.NATSURL, routing.UserName(routing.RoleBackend, s.Tenant), env.Path(devmode.PasswordFile(routing.RoleBackend, s.Tenant)),
		routing.UpstreamSubject(s.Tenant, "echo", "*"),
		s.Admin, configFile,
		self, where,
		self, where, curl(s),
		self, where, devmode.IOSApp, devmode.DeviceToken("bob", "phone"),
		self, where)
}

// curl is the same notify without a tool of ours. The item is base64 of
// "hello".
func curl(s config.DevState) string {
	return fmt.Sprintf(`curl -s %s/hawser.v1.Publisher/Notify \
    -H "Authorization: Bearer $(cat %s)" -H 'Content-Type: application/json' \
    -d '{"user":"alice","kind":"messages","item":"aGVsbG8="}'`,
		s.API, s.APIKeyFile)
}
