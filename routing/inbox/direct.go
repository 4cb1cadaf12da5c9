package inbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
)

const subjectDirect = "$JS.API.DIRECT.GET." + routing.StreamInbox

// Headers that the server adds to the answers of direct gets.
const (
	headerSubject  = "Nats-Subject"
	headerSequence = "Nats-Sequence"
	headerTime     = "Nats-Time-Stamp"
	headerPending  = "Nats-Num-Pending"
	headerLast     = "Nats-Last-Sequence"
	headerUpTo     = "Nats-UpTo-Sequence"
	headerStatus   = "Status"
	headerReason   = "Description"
)

// getRequest is JetStream's message get request.
type getRequest struct {
	Seq       uint64   `json:"seq,omitempty"`
	NextFor   string   `json:"next_by_subj,omitempty"`
	Batch     int      `json:"batch,omitempty"`
	MaxBytes  int      `json:"max_bytes,omitempty"`
	MultiLast []string `json:"multi_last,omitempty"`
	// StartTime stands in the place of Seq.
	StartTime *time.Time `json:"start_time,omitempty"`
}

// stored is a message of the log as it lies there.
type stored struct {
	subject string
	header  nats.Header
	data    []byte
	seq     uint64
	at      time.Time
	// pending is how many more messages matched after this one.
	pending uint64
	// size is what it took on the wire: not less than it takes in the log.
	size int
}

// batch is the answer to a direct get of several messages.
type batch struct {
	msgs []stored
	// pending is how many more matched beyond the limits.
	pending uint64
	// upTo is the answering replica's last sequence; 0: it did not say.
	upTo uint64
}

// last is the sequence of the last message; 0: there is none.
func (b *batch) last() uint64 {
	if len(b.msgs) == 0 {
		return 0
	}
	return b.msgs[len(b.msgs)-1].seq
}

// direct asks any replica. n is the greatest number of messages that the
// request can bring.
func (r *Reader) direct(ctx context.Context, req getRequest, n int) (batch, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return batch{}, fmt.Errorf("inbox: encode request: %w", err)
	}
	road, err := r.road()
	if err != nil {
		return batch{}, err
	}
	call, ok := road.mux.Open("", n+1)
	if !ok {
		return batch{}, fmt.Errorf("%w: too many reads at once", ErrUnavailable)
	}
	defer call.Close()
	if err := road.nc.PublishRequest(subjectDirect, call.Reply, body); err != nil {
		return batch{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	silent := time.AfterFunc(lostAfter, road.doubt)
	defer silent.Stop()
	return collect(ctx, call.C, n)
}

func collect(ctx context.Context, c <-chan *nats.Msg, n int) (batch, error) {
	b := batch{msgs: make([]stored, 0, min(n, 64))}
	var last uint64
	for {
		select {
		case <-ctx.Done():
			return batch{}, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		case m := <-c:
			if status := m.Header.Get(headerStatus); status != "" {
				return b, b.end(status, m, last)
			}
			s, err := storedOf(m)
			if err != nil {
				return batch{}, err
			}
			if previous := number(m, headerLast); previous != last {
				return batch{}, fmt.Errorf("%w: %w", ErrUnavailable, errIncomplete)
			}
			last = s.seq
			b.msgs = append(b.msgs, s)
		}
	}
}

// end reads the message that ends an answer.
func (b *batch) end(status string, m *nats.Msg, last uint64) error {
	switch status {
	case "204":
		b.pending, b.upTo = number(m, headerPending), number(m, headerUpTo)
		if number(m, headerLast) != last {
			return fmt.Errorf("%w: %w", ErrUnavailable, errIncomplete)
		}
		return nil
	case "404":
		return nil
	case "500", "503":
		return fmt.Errorf("%w: %s", ErrUnavailable, m.Header.Get(headerReason))
	default:
		return fmt.Errorf("inbox: JetStream refused a read: %s %s", status, m.Header.Get(headerReason))
	}
}

func storedOf(m *nats.Msg) (stored, error) {
	s := stored{subject: m.Header.Get(headerSubject), header: m.Header, data: m.Data,
		seq: number(m, headerSequence), pending: number(m, headerPending), size: m.Size()}
	if s.subject == "" || s.seq == 0 {
		return stored{}, errors.New("inbox: an answer without subject and sequence: is the NATS server older than 2.11?")
	}
	at, err := time.Parse(time.RFC3339Nano, m.Header.Get(headerTime))
	if err != nil {
		return stored{}, fmt.Errorf("inbox: time of message %d: %w", s.seq, err)
	}
	s.at = at
	return s, nil
}

func number(m *nats.Msg, header string) uint64 {
	n, _ := strconv.ParseUint(m.Header.Get(header), 10, 64)
	return n
}
