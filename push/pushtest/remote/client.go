package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/hawser-edge/hawser/push/pushtest"
)

// maxReply bounds an answer of the simulators' process.
const maxReply = 64 << 20

// Client steers and reads simulators in another process.
type Client struct {
	// Control is State.Control.
	Control string
	// HTTP makes the requests. Nil: the default client.
	HTTP *http.Client
}

// Play makes a simulator follow a script.
func (c Client) Play(ctx context.Context, s Script) error {
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("pushsim: %w", err)
	}
	return c.call(ctx, http.MethodPost, "/script", body, nil)
}

// Status returns what the simulators do now.
func (c Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.call(ctx, http.MethodGet, "/status", nil, &s)
}

// Requests returns the requests of a provider whose Seq is above after, oldest
// first, at most 10,000. What is under way is among them as it stands.
func (c Client) Requests(ctx context.Context, provider string, after int64) ([]pushtest.Request, error) {
	q := url.Values{"provider": {provider}, "after": {strconv.FormatInt(after, 10)}}
	var p Page
	err := c.call(ctx, http.MethodGet, "/requests?"+q.Encode(), nil, &p)
	return p.Requests, err
}

func (c Client) call(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.Control+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("pushsim: %w", err)
	}
	hc := c.HTTP
	if hc == nil {
		hc = http.DefaultClient
	}
	resp, err := hc.Do(req)
	if err != nil {
		return fmt.Errorf("pushsim: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	switch {
	case err != nil:
		return fmt.Errorf("pushsim: %w", err)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("pushsim: %s answered %d: %s", path, resp.StatusCode, bytes.TrimSpace(answer))
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("pushsim: answer of %s: %w", path, err)
	}
	return nil
}
