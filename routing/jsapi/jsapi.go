// Package jsapi asks the JetStream API of NATS for what the client library does
// not, and tells what its refusals mean. Above all it asks for a message as the
// leader of its stream knows it: the library asks any replica, and one that lags
// behind does not know yet of what was stored a moment ago.
package jsapi

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// askTime bounds a question whose context has no deadline: without a leader there
// is no answer. It is what the client library waits.
const askTime = 5 * time.Second

// Ask puts a question to the API, such as "STREAM.INFO.INBOX", and decodes what is
// answered into answer; nil: that it was done is enough. A refusal is a
// *jetstream.APIError, which is jetstream.ErrMsgNotFound where there is no such
// message. A context without a deadline is given 5 s.
func Ask(ctx context.Context, nc *nats.Conn, question string, request, answer any) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, askTime)
		defer cancel()
	}
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode %s: %w", question, err)
	}
	m, err := nc.RequestWithContext(ctx, "$JS.API."+question, body)
	if err != nil {
		return fmt.Errorf("ask %s: %w", question, err)
	}
	return decode(question, m.Data, answer)
}

func decode(question string, data []byte, answer any) error {
	var refusal struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(data, &refusal); err != nil {
		return fmt.Errorf("read the answer to %s: %w", question, err)
	}
	if refusal.Error != nil {
		return fmt.Errorf("%s: %w", question, refusal.Error)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("read the answer to %s: %w", question, err)
	}
	return nil
}
