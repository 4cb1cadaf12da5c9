package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
)

// httpDoor is the API of one router, as curl speaks it.
type httpDoor struct {
	// Static.
	router, url, key string
	client           *http.Client
}

func newHTTPDoor(router, api, key string) *httpDoor {
	return &httpDoor{
		router: router, key: key, url: "http://" + api + "/hawser.v1.Publisher/Notify",
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
}

func (d *httpDoor) name() string { return d.router + " HTTP" }

func (d *httpDoor) publish(ctx context.Context, e event) (answer, error) {
	body, err := json.Marshal(map[string]string{
		"user": e.user, "kind": e.kind, "id": e.id, "urgency": e.urgency,
		"item": base64.StdEncoding.EncodeToString([]byte(e.key())),
	})
	if err != nil {
		return answer{}, fmt.Errorf("word the request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("word the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+d.key)
	resp, err := d.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %.300s", d.name(), resp.Status, text)
		// What the server could not do may be repeated, what the request
		// asks for wrongly may not.
		if resp.StatusCode < 500 && resp.StatusCode != http.StatusConflict && resp.StatusCode != http.StatusTooManyRequests {
			err = fmt.Errorf("%w: %w", errRefused, err)
		}
		return answer{}, err
	}
	return readAnswer(d, text)
}

// natsDoor is a request on NATS, as any client speaks it.
type natsDoor struct {
	// Static.
	nc *nats.Conn
}

func (d *natsDoor) name() string { return "NATS" }

func (d *natsDoor) publish(ctx context.Context, e event) (answer, error) {
	msg := nats.NewMsg(routing.PublishSubject(e.tenant, e.user, e.kind))
	msg.Header.Set(routing.HeaderID, e.id)
	msg.Header.Set(routing.HeaderUrgency, e.urgency)
	msg.Data = []byte(e.key())
	reply, err := d.nc.RequestMsgWithContext(ctx, msg)
	if err != nil {
		return answer{}, err
	}
	var fault struct {
		Code, Message string
		RetryAfterMs  int64 `json:"retry_after_ms"`
	}
	if err := json.Unmarshal(reply.Data, &fault); err == nil && fault.Code != "" {
		err = fmt.Errorf("NATS answers %s: %.300s", fault.Code, fault.Message)
		if fault.RetryAfterMs == 0 && fault.Code != "internal" && fault.Code != "canceled" {
			err = fmt.Errorf("%w: %w", errRefused, err)
		}
		return answer{}, err
	}
	return readAnswer(d, reply.Data)
}

func readAnswer(d door, text []byte) (answer, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil || a.Version < 1 {
		return a, fmt.Errorf("%w: the answer of %s is no version: %.200q", errRefused, d.name(), text)
	}
	return a, nil
}
