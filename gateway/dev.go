package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// devTenant is the tenant of dev.
const devTenant = "demo"

// devFlags are the flags of dev.
type devFlags struct {
	*flags
	listen, api, admin string
	dir                string
	verbose            bool
}

func newDevFlags(c *console) *devFlags {
	f := &devFlags{flags: newFlags(c, "dev", "dev [flags]",
		"Runs everything in one process: the roles edge, router and push, NATS, and\n"+
			"simulators of APNs and FCM. It prints what to type next, and each push that a\n"+
			"simulator receives. Nothing is kept after the end.")}
	f.StringVar(&f.listen, "listen", "127.0.0.1:7443", "`ADDR` for devices, on TCP and UDP. Default: 127.0.0.1:7443, or a free port where that is taken")
	f.StringVar(&f.api, "api", "127.0.0.1:7480", "`ADDR` for backends. Default: 127.0.0.1:7480, or a free port where that is taken")
	f.StringVar(&f.admin, "admin", "127.0.0.1:7490", "`ADDR` for metrics and health. Default: 127.0.0.1:7490, or a free port where that is taken")
	f.StringVar(&f.dir, "dev", "", "`DIR` to leave the state in, for the commands beside it. Default: HAWSER_DEV_DIR, or hawser/dev in the user's cache directory")
	f.BoolVar(&f.verbose, "verbose", false, "log more than warnings")
	return f
}

// runDev runs a whole fleet in this process until it is interrupted.
func runDev(ctx context.Context, c *console, args []string) error {
	f := newDevFlags(c)
	if err := f.parse(args); err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	if f.dir == "" {
		var err error
		if f.dir, err = config.DevDir(c.getenv); err != nil {
			return err
		}
	}
	if s, err := config.LoadDevState(f.dir); err == nil && s.Alive(ctx) {
		return fmt.Errorf("another dev runs already, process %d: stop it, or give this one a state of its own with --dev DIR", s.PID)
	}
	files, err := os.MkdirTemp("", "hawser-dev-")
	if err != nil {
		return fmt.Errorf("make a folder for dev: %w", err)
	}
	defer os.RemoveAll(files)
	return f.run(ctx, files)
}

func (f *devFlags) check() error {
	for _, a := range []struct{ flag, value string }{{"--listen", f.listen}, {"--api", f.api}, {"--admin", f.admin}} {
		if _, err := net.ResolveTCPAddr("tcp", a.value); err != nil {
			return usagef("%s %.80q is not host:port: write for example :7443 or 127.0.0.1:7443", a.flag, a.value)
		}
	}
	return nil
}

func (f *devFlags) run(ctx context.Context, files string) error {
	n := devmode.Node{Name: "dev", Roles: []string{"edge", "router", "push"}}
	spare, ports, err := embednats.FreeAddrs(3)
	if err != nil {
		return err
	}
	defer ports.Close()
	n.Listen, n.API, n.Admin = f.addresses(spare)
	env, err := devmode.New(devmode.Options{Dir: files, Nodes: []devmode.Node{n}, Tenants: []string{devTenant}})
	if err != nil {
		return err
	}
	defer env.Close()
	path, err := env.WriteConfig(n)
	if err != nil {
		return err
	}
	cfg, err := config.Load(path, nil)
	if err != nil {
		return err
	}
	all, err := node.New(cfg, f.log())
	if err != nil {
		return err
	}
	state := devState(env, n)
	state.ConfigFile = path
	if err := state.Save(f.dir); err != nil {
		all.Close()
		return err
	}
	writeDevGuide(f.c, state, env, f.dir, path)
	err = f.serve(ctx, all, env)
	return errors.Join(err, config.RemoveDevState(f.dir))
}

// serve runs the node and shows what the simulators receive.
func (f *devFlags) serve(ctx context.Context, all *node.Node, env *devmode.Environment) error {
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { env.WatchPushes(watching, newPushLines(f.c).show) })
	watch.Go(func() {
		<-watching.Done()
		if ctx.Err() != nil {
			f.c.hintf("\nStopping: a connected device gets up to 5 s to leave. Ctrl-C again ends at once.\n")
		}
	})
	err := all.Run(ctx)
	stop()
	watch.Wait()
	return err
}

// addresses are the wanted ones, or spare ones where those are taken and were
// not asked for.
func (f *devFlags) addresses(spare []string) (listen, api, admin string) {
	asked := map[string]bool{}
	f.Visit(func(fl *flag.Flag) { asked[fl.Name] = true })
	pick := func(name, wanted, spare string) string {
		if asked[name] || embednats.IsFree(wanted) {
			return wanted
		}
		return spare
	}
	return pick("listen", f.listen, spare[0]), pick("api", f.api, spare[1]), pick("admin", f.admin, spare[2])
}

func (f *devFlags) log() *slog.Logger {
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelDebug
	}
	return newLog(f.c, level)
}

func devState(env *devmode.Environment, n devmode.Node) config.DevState {
	return config.DevState{
		Addr: n.Listen, API: "http://" + n.API, Admin: "http://" + n.Admin, Tenant: devTenant,
		CAFile:     env.Path(devmode.CAFile),
		APIKeyFile: env.Path(devTenant + ".api-key"),
		JWTKeyFile: env.Path(devTenant + ".jwk"),
	}
}
