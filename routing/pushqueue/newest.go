package pushqueue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

// stored is a message of the stream; sequence 0: there is none.
type stored struct {
	subject  string
	sequence uint64
	data     []byte
	at       time.Time
}

// newest asks the stream's leader for the newest message of a subject, which may
// be a wildcard. A replica might not know yet of one that took its place.
func newest(ctx context.Context, nc *nats.Conn, subject string) (stored, error) {
	return read(ctx, nc, routing.StreamPush, struct {
		Last string `json:"last_by_subj"`
	}{subject})
}

func parseStored(data []byte) (stored, error) {
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Subject string    `json:"subject"`
			Seq     uint64    `json:"seq"`
			Data    []byte    `json:"data"`
			Time    time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return stored{}, fmt.Errorf("read push job: %w", err)
	}
	if answer.Error != nil {
		if answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
			return stored{}, nil
		}
		return stored{}, fmt.Errorf("read push job: %w", answer.Error)
	}
	m := answer.Message
	return stored{subject: m.Subject, sequence: m.Seq, data: m.Data, at: m.Time}, nil
}
