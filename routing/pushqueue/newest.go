package pushqueue

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

// newest asks the stream's leader for the sequence of a subject's job, 0 if there
// is none. A replica might not know yet of one that took its place.
func (c *consumption) newest(ctx context.Context, subject string) (uint64, error) {
	req, err := json.Marshal(struct {
		Last string `json:"last_by_subj"`
	}{subject})
	if err != nil {
		return 0, err
	}
	m, err := c.js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+routing.StreamPush, req)
	if err != nil {
		return 0, fmt.Errorf("read push job: %w", err)
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Seq uint64 `json:"seq"`
		} `json:"message"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return 0, fmt.Errorf("read push job: %w", err)
	}
	if answer.Error != nil && answer.Error.ErrorCode != jetstream.JSErrCodeMessageNotFound {
		return 0, fmt.Errorf("read push job: %w", answer.Error)
	}
	return answer.Message.Seq, nil
}
