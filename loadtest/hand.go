package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
)

// hand is one worker, as its parent sees it.
type hand struct {
	cmd    *exec.Cmd
	client *rpc.Client
	// ended is closed once the process is gone.
	ended chan struct{}
}

func startWorker(dir string, n int, o options) (*hand, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("worker-%d.log", n+1)), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child holds its own descriptor
	command := onCPUs(o.cpus, []string{self, partWorker})
	env := os.Environ()
	if o.hello == helloSDK {
		// crypto/tls puts ChaCha20-Poly1305 first where it believes that the
		// machine has no instructions for AES, and has no other switch for it.
		env = append(env, "GODEBUG=cpu.aes=off")
	}
	return startHand(command, env, log)
}

// startHand starts a child that is asked over its standard input and output.
func startHand(command, env []string, log *os.File) (*hand, error) {
	h := &hand{cmd: exec.Command(command[0], command[1:]...), ended: make(chan struct{})}
	h.cmd.Stderr, h.cmd.Env = log, env
	in, err := h.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := h.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", command[0], err)
	}
	h.client = rpc.NewClient(pipes{out, in})
	go func() {
		defer close(h.ended)
		_ = h.cmd.Wait() // calls under way tell of a worker that died
	}()
	return h, nil
}

// call asks one worker and waits for its answer.
func (h *hand) call(ctx context.Context, method string, arg, answer any) error {
	return h.ask(ctx, "Worker."+method, arg, answer)
}

// callBare asks the process that is bare.
func (h *hand) callBare(ctx context.Context, method string, arg, answer any) error {
	return h.ask(ctx, "Bare."+method, arg, answer)
}

func (h *hand) ask(ctx context.Context, method string, arg, answer any) error {
	call := h.client.Go(method, arg, answer, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		if errors.Is(call.Error, io.ErrUnexpectedEOF) || errors.Is(call.Error, rpc.ErrShutdown) {
			return errors.New("a process of the run died: see its log")
		}
		return call.Error
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop ends a process that is none of the crew's, if there is one.
func (h *hand) stop() {
	if h == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveLimit)
	defer cancel()
	_ = h.client.Close() // it ends with its input
	h.await(ctx)
}

// await waits until the process is gone, and kills it when ctx ends.
func (h *hand) await(ctx context.Context) {
	select {
	case <-h.ended:
	case <-ctx.Done():
		_ = h.cmd.Process.Kill()
		<-h.ended
	}
}
