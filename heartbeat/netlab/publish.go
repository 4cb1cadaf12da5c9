package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// publishWait bounds one call.
const publishWait = 20 * time.Second

// publish says that a user has news, as a backend does, and returns the
// version.
func (f *fleet) publish(ctx context.Context, user string) (version int64, err error) {
	body, err := json.Marshal(map[string]string{"user": user, "kind": kindOfAll, "urgency": "HIGH"})
	if err != nil {
		return 0, fmt.Errorf("word the request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+f.node.API+"/hawser.v1.Publisher/Notify", bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("word the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+f.key)
	resp, err := f.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("publish: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return 0, fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("publish: the router answers %s: %.200s", resp.Status, text)
	}
	var answer struct{ Version string }
	if err := json.Unmarshal(text, &answer); err != nil {
		return 0, fmt.Errorf("read the answer: %w", err)
	}
	return strconv.ParseInt(answer.Version, 10, 64)
}
