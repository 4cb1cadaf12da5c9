package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// hearer is a process that hears, as the one that measures sees it.
type hearer struct {
	// Static after startHearer.
	way     string
	cmd     *exec.Cmd
	in      io.WriteCloser
	reading sync.WaitGroup

	ready chan struct{} // closed by read
	ended chan struct{} // closed by read
}

// startHearer starts such a process and waits until it is ready. What it hears
// goes to tell, and ended is called when it hears no more. The caller calls
// stop, unless there is an error.
func startHearer(ctx context.Context, spec hearing, tell heard, ended func()) (*hearer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	h := &hearer{way: spec.Way, cmd: exec.Command(self), ready: make(chan struct{}), ended: make(chan struct{})}
	h.cmd.Env = append(os.Environ(), hearEnv+"=1")
	h.cmd.Stderr = os.Stderr
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := h.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start what hears: %w", err)
	}
	h.reading.Go(func() {
		defer ended()
		h.read(out, tell)
	})
	if err := json.NewEncoder(h.in).Encode(spec); err != nil {
		return nil, errors.Join(err, h.stop())
	}
	select {
	case <-h.ready:
		return h, nil
	case <-h.ended:
		return nil, errors.Join(fmt.Errorf("the process that hears %s ended", spec.Way), h.stop())
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), h.stop())
	}
}

func (h *hearer) read(out io.Reader, tell heard) {
	defer close(h.ended)
	in := bufio.NewReaderSize(out, 1<<16)
	var b [heardBytes]byte
	for {
		if _, err := io.ReadFull(in, b[:]); err != nil {
			return
		}
		user := int(int64(binary.LittleEndian.Uint64(b[:])))
		if user == heardReady {
			close(h.ready)
			continue
		}
		tell(user, int64(binary.LittleEndian.Uint64(b[8:])), time.Unix(0, int64(binary.LittleEndian.Uint64(b[16:]))))
	}
}

func (h *hearer) pid() int { return h.cmd.Process.Pid }

// stop ends the process and says how it did.
func (h *hearer) stop() error {
	_ = h.in.Close() // fails where the process has ended
	h.reading.Wait()
	if err := h.cmd.Wait(); err != nil {
		return fmt.Errorf("the process that hears %s: %w", h.way, err)
	}
	return nil
}
