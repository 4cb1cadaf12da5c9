package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/hawser-edge/hawser/gateway/node/devmode/netspace"
)

// runSeeds builds the programs and plays a run for each seed, in namespaces
// unless told otherwise. Each prints its table in one piece. The code is that
// of the worst; the error says why there was none to print.
func runSeeds(ctx context.Context, o options, stdout, stderr io.Writer) (code int, err error) {
	if !o.loopback {
		if err := netspace.Possible(); err != nil {
			return 2, fmt.Errorf("%w; or use --loopback, for the faults that need no network of their own", err)
		}
	}
	dir, made := o.dir, o.dir == ""
	if made {
		if dir, err = os.MkdirTemp("", "hawser-faults-"); err != nil {
			return 1, fmt.Errorf("make a folder for the run: %w", err)
		}
	}
	if !o.built {
		fmt.Fprintln(stderr, "building hawser and the NATS server")
		if err := buildPrograms(ctx, dir, o.wrongClocks()); err != nil {
			return 1, err
		}
	}
	s := &seeds{opts: o, dir: dir, stdout: stdout, stderr: &sharedWriter{w: stderr}, free: make(chan struct{}, o.side)}
	for i := range o.seeds {
		s.work.Go(func() { s.run(ctx, o.seed+uint64(i)) })
	}
	s.work.Wait()
	switch {
	case s.code != 0 || o.keep:
		fmt.Fprintln(stderr, "logs and configurations are in", dir)
	case made:
		err = os.RemoveAll(dir)
	}
	return s.code, err
}

// seeds are the runs of one call.
type seeds struct {
	// Static.
	opts   options
	dir    string
	stderr *sharedWriter
	free   chan struct{} // a place for each run at a time

	work sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu.
	stdout io.Writer
	code   int
}

func (s *seeds) run(ctx context.Context, seed uint64) {
	s.free <- struct{}{}
	defer func() { <-s.free }()
	if ctx.Err() != nil {
		s.end(1, nil)
		return
	}
	dir := filepath.Join(s.dir, fmt.Sprintf("seed-%d", seed))
	var table bytes.Buffer
	o := s.opts
	o.seed, o.dir = seed, dir
	err := os.MkdirAll(dir, 0o700)
	code := 1
	switch {
	case err != nil:
	case o.loopback:
		code = runOne(ctx, o, &table, s.stderr)
	default:
		code, err = netspace.Enclose(ctx, o.args(seed, dir), &table, s.stderr)
	}
	if err != nil {
		fmt.Fprintf(s.stderr, "faulttest: seed %d: %v\n", seed, err)
	}
	s.end(code, table.Bytes())
}

func (s *seeds) end(code int, table []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code = max(s.code, code)
	_, _ = s.stdout.Write(table) // nobody is left to tell
}

// sharedWriter keeps the lines of several runs apart.
type sharedWriter struct {
	mu sync.Mutex
	w  io.Writer // Guarded by mu.
}

func (s *sharedWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}
