package main

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
)

// keep starts a member, and again a while after each of its ends. An end that
// nobody caused is trouble.
func (f *fleet) keep(ctx context.Context, name string) {
	for {
		p, err := f.start(ctx, name)
		if err != nil {
			f.book.trouble("%s does not start: %v", name, err)
			return
		}
		f.joined(name, p)
		select {
		case <-p.Done():
		case <-ctx.Done():
			return
		}
		if !f.left(name) {
			f.book.trouble("%s ended by itself: see %s", name, p.Log)
		}
		if !sleep.For(ctx, restartAfter) {
			return
		}
	}
}

func (f *fleet) start(ctx context.Context, name string) (p *devmode.Process, err error) {
	program, args := f.program(name)
	err = f.place.within(name, func() error {
		p, err = devmode.StartProgram(context.WithoutCancel(ctx), name, f.dir, program, args...)
		return err
	})
	return p, err
}

// program is what a member runs. env sets what is one member's alone.
func (f *fleet) program(name string) (program string, args []string) {
	if sortOf(name) == sortNATS {
		return f.programs.nats, []string{"-c", f.configs[name]}
	}
	program = f.programs.hawser
	if sortOf(name) == sortEdge && f.programs.edge != "" {
		program, args = f.programs.edge, append(args, clockEnv+"="+f.clockFile(name))
	}
	if f.sabotage != "" {
		args = append(args, sabotageEnv+"="+f.sabotage)
	}
	return "env", append(args, program, "serve", "--config", f.configs[name])
}

func (f *fleet) joined(name string, p *devmode.Process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.members[name], f.ending[name] = p, false
}

// left takes a member that has ended out and reports whether that was wanted.
func (f *fleet) left(name string) (wanted bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.members, name)
	return f.ending[name]
}

// take returns a running member; one that is to end is not trouble.
func (f *fleet) take(name string, toEnd bool) (*devmode.Process, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.members[name]
	if p == nil || p.Ended() {
		return nil, fmt.Errorf("%s is not running", name)
	}
	f.ending[name] = f.ending[name] || toEnd
	return p, nil
}

// ready asks a member whether it can take work.
func (f *fleet) ready(ctx context.Context, name string) error {
	if sortOf(name) == sortNATS {
		return f.natsHealthy(ctx, name)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
			err = f.place.within(name, func() error {
				conn, err = new(net.Dialer).DialContext(ctx, network, addr)
				return err
			})
			return conn, err
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.nodes[name].Admin+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready: %s", name, resp.Status)
	}
	return nil
}
