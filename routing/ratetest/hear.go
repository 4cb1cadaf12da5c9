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
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// Who hears is a process of its own: the devices are one, the consumer that they
// are compared with is another. Neither a phone nor a backend's consumer runs
// in the process that publishes, which shall not wait for their work.

// hearEnv in the environment makes this program such a process. It is told by
// its standard input, which ends when the process shall, and tells what it
// heard by its standard output.
const hearEnv = "HAWSER_RATETEST_HEARS"

// hearing is what a process is told.
type hearing struct {
	Way string

	// Of the devices.
	Edge   string   // its address
	Dir    string   // of the fleet's files
	Tokens []string // by the user's number

	// Of the consumer. The password is a secret.
	NATSURL, Password string
}

// heardBytes is the size of what is told of an arrival: the user's number, the
// version, and the time in nanoseconds since 1970. Numbers below 0 are not
// arrivals.
const heardBytes = 24

// heardReady says that everything is connected.
const heardReady = -1

// company is how long an arrival waits for others before it is told.
const company = 2 * time.Millisecond

// teller tells the process that measures what arrived.
type teller struct {
	some chan struct{} // has a place while something waits; never closed

	mu  sync.Mutex
	out *bufio.Writer // Guarded by mu.
}

func newTeller(w io.Writer) *teller {
	return &teller{some: make(chan struct{}, 1), out: bufio.NewWriterSize(w, 1<<20)}
}

func (t *teller) tell(user int, version int64, at time.Time) {
	var b [heardBytes]byte
	binary.LittleEndian.PutUint64(b[:], uint64(user))
	binary.LittleEndian.PutUint64(b[8:], uint64(version))
	binary.LittleEndian.PutUint64(b[16:], uint64(at.UnixNano()))
	t.mu.Lock()
	_, _ = t.out.Write(b[:]) // Flush fails too
	t.mu.Unlock()
	select {
	case t.some <- struct{}{}:
	default:
	}
}

// run passes on what is told until ctx ends or nobody reads it.
func (t *teller) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.some:
		}
		time.Sleep(company)
		t.mu.Lock()
		err := t.out.Flush()
		t.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// hear is such a process; it returns the exit code.
func hear(in io.Reader, out, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := hearUntilEnd(ctx, stop, in, out); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, program+":", err)
		return 1
	}
	return 0
}

// hearUntilEnd hears until in ends, which calls stop, or ctx does.
func hearUntilEnd(ctx context.Context, stop func(), in io.Reader, out io.Writer) error {
	var h hearing
	if err := json.NewDecoder(in).Decode(&h); err != nil {
		return fmt.Errorf("read what to hear: %w", err)
	}
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, in) // nothing follows but the end
	}()
	t := newTeller(out)
	ends, err := h.begin(ctx, t.tell)
	if err != nil {
		return err
	}
	t.tell(heardReady, 0, time.Now())
	return errors.Join(t.run(ctx), ends())
}

// begin connects who hears. The caller calls ends, which says how it went.
func (h hearing) begin(ctx context.Context, tell heard) (ends func() error, err error) {
	if h.Way != wayHawser {
		return hearRaw(ctx, h, tell)
	}
	return hearDevices(ctx, h, tell)
}
