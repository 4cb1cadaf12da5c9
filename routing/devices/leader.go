package devices

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

// readTimeout bounds a read whose caller has no bound of its own.
const readTimeout = 5 * time.Second

// newest asks the stream's leader for the last message of a key. The client
// library would ask any replica, and one that lags behind does not know what
// this process has just written: a registration would then see its own claim
// of the token missing, and take its record for another's.
func (s *Store) newest(ctx context.Context, key string) (*leaderMsg, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, readTimeout)
		defer cancel()
	}
	body, err := json.Marshal(map[string]string{"last_by_subj": "$KV." + routing.BucketDevices + "." + key})
	if err != nil {
		return nil, err
	}
	m, err := s.js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+routing.StreamDevices, body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *leaderMsg          `json:"message"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return nil, fmt.Errorf("read what the leader says: %w", err)
	}
	switch {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, jetstream.ErrMsgNotFound
	case answer.Error != nil:
		return nil, answer.Error
	case answer.Message == nil:
		return nil, jetstream.ErrMsgNotFound
	}
	return answer.Message, nil
}

// leaderMsg is a stored message as the leader tells it.
type leaderMsg struct {
	Sequence uint64    `json:"seq"`
	Header   []byte    `json:"hdrs"`
	Data     []byte    `json:"data"`
	Time     time.Time `json:"time"`
}

// header of the message; nil: it has none.
func (m *leaderMsg) header() (nats.Header, error) {
	if len(m.Header) == 0 {
		return nil, nil
	}
	h, err := nats.DecodeHeadersMsg(m.Header)
	if err != nil {
		return nil, fmt.Errorf("read the header of a device key: %w", err)
	}
	return h, nil
}
