package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hawser-edge/hawser/gateway/demo"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// run runs a command of compose for this fleet.
func (c *composed) run(ctx context.Context, args ...string) (string, error) {
	all := slices.Concat(c.compose[1:], []string{"-f", filepath.Join(c.root, "deploy", "compose.yaml")}, args)
	return output(ctx, c.root, c.env(), c.compose[0], all...)
}

func (c *composed) docker(ctx context.Context, args ...string) (string, error) {
	return output(ctx, c.root, c.env(), "docker", args...)
}

// container finds a service's container. Compose's versions name them in
// different ways; the labels are the same.
func (c *composed) container(ctx context.Context, service string) (string, error) {
	id, err := c.docker(ctx, "ps", "-aq", "--no-trunc",
		"--filter", "label=com.docker.compose.project="+c.project, "--filter", "label=com.docker.compose.service="+service)
	if err == nil && (id == "" || strings.Contains(id, "\n")) {
		err = fmt.Errorf("%s has not one container but %q", service, id)
	}
	return id, err
}

// on runs a docker command on a service's container.
func (c *composed) on(ctx context.Context, service string, args ...string) (string, error) {
	id, err := c.container(ctx, service)
	if err != nil {
		return "", err
	}
	return c.docker(ctx, append(args, id)...)
}

// Kill implements demo.Fleet, for NATS servers too.
func (c *composed) Kill(ctx context.Context, member string) error {
	_, err := c.on(ctx, member, "kill", "--signal", "KILL")
	return err
}

// Freeze implements demo.Fleet.
func (c *composed) Freeze(ctx context.Context, member string) (bool, error) {
	_, err := c.on(ctx, member, "pause")
	return err == nil, err
}

// Thaw implements demo.Fleet.
func (c *composed) Thaw(ctx context.Context, member string) error {
	_, err := c.on(ctx, member, "unpause")
	return err
}

// End implements demo.Redundant. compose waits as long as the file says.
func (c *composed) End(ctx context.Context, member string) error {
	if _, err := c.run(ctx, "stop", member); err != nil {
		return err
	}
	return c.endedWell(ctx, member)
}

func (c *composed) endedWell(ctx context.Context, member string) error {
	code, err := c.on(ctx, member, "inspect", "--format", "{{.State.ExitCode}}")
	if err == nil && code != "0" {
		err = fmt.Errorf("%s ended with exit code %s: see %s/%s.log", member, code, c.dir, member)
	}
	return err
}

// Return implements demo.Redundant.
func (c *composed) Return(ctx context.Context, member string) error {
	if _, err := c.on(ctx, member, "start"); err != nil {
		return err
	}
	if number, ok := strings.CutPrefix(member, "nats-"); ok {
		return natsHealthy(ctx, c.addrs["MONITOR_"+number])
	}
	i := slices.IndexFunc(c.members, func(m demo.Member) bool { return m.Name == member })
	return ready(ctx, c.members[i])
}

// endAll stops what runs, devices' side first and NATS last, and asks every
// process for a good end, but for those that the story killed.
func (c *composed) endAll(ctx context.Context) error {
	running, err := c.run(ctx, "ps", "--services", "--filter", "status=running")
	if err != nil {
		return err
	}
	var errs []error
	for _, part := range [][]string{{"edge-1", "edge-2"}, {"push-1", "push-2", "router-1", "router-2"}, {"nats-1", "nats-2", "nats-3"}} {
		part = slices.DeleteFunc(part, func(name string) bool { return !slices.Contains(strings.Fields(running), name) })
		if len(part) == 0 {
			continue
		}
		_, err := c.run(ctx, append([]string{"stop"}, part...)...)
		errs = append(errs, err)
		for _, name := range part {
			errs = append(errs, c.endedWell(ctx, name))
		}
	}
	return errors.Join(errs...)
}

// keepLogs writes what every container said into the run's folder, which is
// removed where all went well, and keeps it for CI to look through for secrets.
func (c *composed) keepLogs(ctx context.Context) error {
	var errs []error
	for _, name := range append([]string{"nats-1", "nats-2", "nats-3"}, services...) {
		id, err := c.container(ctx, name)
		if err != nil {
			continue // it never was
		}
		text, err := logsOf(ctx, c.env(), id)
		errs = append(errs, err, os.WriteFile(filepath.Join(c.dir, name+".log"), text, 0o600), devmode.KeepSaid(name, text))
	}
	return errors.Join(errs...)
}

func (c *composed) remove(ctx context.Context) error {
	_, err := c.run(ctx, "down", "--volumes", "--remove-orphans", "--timeout", "5")
	_, imagesErr := c.docker(ctx, "rmi", "--force", "hawser:"+c.project, "hawser-nats:"+c.project)
	return errors.Join(err, imagesErr)
}

// nothingLeft looks for what this fleet may have left with the engine.
func (c *composed) nothingLeft(ctx context.Context) error {
	filter := "label=com.docker.compose.project=" + c.project
	var errs []error
	for _, list := range [][]string{{"ps", "-aq"}, {"network", "ls", "-q"}, {"volume", "ls", "-q"}} {
		left, err := c.docker(ctx, append(list, "--filter", filter)...)
		if err == nil && left != "" {
			err = fmt.Errorf("docker %s still shows %s", strings.Join(list, " "), left)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// natsHealthy waits until a NATS server that came back says that its streams
// have caught up.
func natsHealthy(ctx context.Context, monitor string) error {
	err := devmode.Until(ctx, func() error { return get(ctx, "http://"+monitor+"/healthz") })
	if err != nil {
		return fmt.Errorf("wait for the NATS server at %s: %w", monitor, err)
	}
	return nil
}
