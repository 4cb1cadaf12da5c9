package jsapi

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Query says which message of a stream is asked for: the last one of a subject,
// or the one at a sequence, or the first one of a subject from a sequence on. A
// subject may be a wildcard.
type Query struct {
	Last     string `json:"last_by_subj,omitempty"`
	Next     string `json:"next_by_subj,omitempty"`
	Sequence uint64 `json:"seq,omitempty"`
}

// A Message is one as it lies in a stream.
type Message struct {
	Subject  string
	Sequence uint64
	Header   nats.Header // nil: it has none
	Data     []byte
	At       time.Time // when it was stored
}

// Get asks a stream's leader for one message. Where there is none the error is
// jetstream.ErrMsgNotFound; for the others see Ask.
func Get(ctx context.Context, nc *nats.Conn, stream string, q Query) (Message, error) {
	question := "STREAM.MSG.GET." + stream
	var answer struct {
		Message struct {
			Subject  string    `json:"subject"`
			Sequence uint64    `json:"seq"`
			Header   []byte    `json:"hdrs"`
			Data     []byte    `json:"data"`
			At       time.Time `json:"time"`
		} `json:"message"`
	}
	if err := Ask(ctx, nc, question, q, &answer); err != nil {
		return Message{}, err
	}
	m := answer.Message
	if m.Sequence == 0 {
		return Message{}, fmt.Errorf("%s: %w", question, jetstream.ErrMsgNotFound)
	}
	found := Message{Subject: m.Subject, Sequence: m.Sequence, Data: m.Data, At: m.At}
	if len(m.Header) > 0 {
		var err error
		if found.Header, err = nats.DecodeHeadersMsg(m.Header); err != nil {
			return Message{}, fmt.Errorf("%s: headers of message %d: %w", question, m.Sequence, err)
		}
	}
	return found, nil
}
