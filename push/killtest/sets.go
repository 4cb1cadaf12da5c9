package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// clock is how moments are written.
const clock = "15:04:05.000"

// runSets builds the programs and plays the sets side by side.
func runSets(ctx context.Context, o options, stderr io.Writer) (report, error) {
	dir, err := os.MkdirTemp("", "hawser-kills-")
	if err != nil {
		return report{}, fmt.Errorf("make a folder for the run: %w", err)
	}
	fmt.Fprintln(stderr, "building hawser and the NATS server")
	p := programsIn(dir)
	if err := p.build(ctx); err != nil {
		return report{}, err
	}
	rep, err := playSets(ctx, o, p, dir, stderr)
	if o.keep || err != nil || len(rep.unmet()) > 0 {
		fmt.Fprintln(stderr, "logs and configurations are in", dir)
		return rep, err
	}
	return rep, os.RemoveAll(dir)
}

// playSets plays them with programs that were built.
func playSets(ctx context.Context, o options, p programs, dir string, stderr io.Writer) (report, error) {
	var (
		mu   sync.Mutex
		work sync.WaitGroup
		errs []error
	)
	rep := report{Options: o, began: time.Now(), verdict: verdict{Twice: map[string]int{}}}
	for set := range o.sets {
		work.Go(func() {
			f, err := playSet(ctx, o.of(set), p, filepath.Join(dir, fmt.Sprintf("set-%d", set+1)), func(format string, args ...any) {
				mu.Lock()
				defer mu.Unlock()
				fmt.Fprintf(stderr, "%s set %d: "+format+"\n", append([]any{time.Now().Format(clock), set + 1}, args...)...)
			})
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			if err == nil {
				rep.add(f, rand.New(rand.NewPCG(o.seed, uint64(set))))
			}
		})
	}
	work.Wait()
	rep.took = time.Since(rep.began)
	return rep, errors.Join(errs...)
}

func playSet(ctx context.Context, o options, p programs, dir string, say func(format string, args ...any)) (facts, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return facts{}, fmt.Errorf("make a folder for a set: %w", err)
	}
	return execute(ctx, o, p, dir, say)
}
