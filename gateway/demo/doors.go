package demo

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
)

// A publication is what a backend says: this user has something new.
type publication struct {
	user, kind, item, id string
	title, body          string
	urgency              string // LOW, NORMAL or HIGH, or the kind's
}

// An answer is what each door gives back.
type answer struct {
	Version   int64 `json:"version,string"`
	Duplicate bool  `json:"duplicate"`
}

// publishHTTP publishes as curl would, through the API of a router.
func (f *fleet) publishHTTP(ctx context.Context, router Member, p publication) (answer, error) {
	body := map[string]any{"user": p.user, "kind": p.kind, "item": base64.StdEncoding.EncodeToString([]byte(p.item))}
	if p.id != "" {
		body["id"] = p.id
	}
	if p.urgency != "" {
		body["urgency"] = p.urgency
	}
	if p.title != "" {
		body["push"] = map[string]string{"title": p.title, "body": p.body}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return answer{}, fmt.Errorf("word the request: %w", err)
	}
	url := "http://" + router.API + "/hawser.v1.Publisher/Notify"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return answer{}, fmt.Errorf("word the request: %w", err)
	}
	key, err := os.ReadFile(f.APIKeyFile())
	if err != nil {
		return answer{}, fmt.Errorf("read the tenant's API key: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(key)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("publish over HTTP: %w", err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("publish over HTTP: %s: %.500s", resp.Status, got)
	}
	return readAnswer("HTTP", got)
}

// publishNATS publishes as a backend with any NATS client would.
func (f *fleet) publishNATS(ctx context.Context, p publication) (answer, error) {
	nc, err := f.ConnectNATS(routing.RoleBackend, tenant)
	if err != nil {
		return answer{}, err
	}
	defer nc.Close()
	msg := nats.NewMsg("hawser.v1.pub." + tenant + "." + p.user + "." + p.kind)
	msg.Data = []byte(p.item)
	if p.id != "" {
		msg.Header.Set("Hawser-Id", p.id)
	}
	reply, err := nc.RequestMsgWithContext(ctx, msg)
	if err != nil {
		return answer{}, fmt.Errorf("publish over NATS: %w", err)
	}
	return readAnswer("NATS", reply.Data)
}

// publishCLI publishes with the command that people type.
func (f *fleet) publishCLI(ctx context.Context, router Member, p publication) (answer, error) {
	cmd := exec.CommandContext(ctx, f.program, "notify", "--json",
		"--api", "http://"+router.API, "--api-key-file", f.APIKeyFile(),
		"--user", p.user, "--kind", p.kind, "--item", p.item)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return answer{}, fmt.Errorf("publish with the command notify: %w: %.500s", err, stderr.String())
	}
	return readAnswer("the command notify", out)
}

func readAnswer(door string, body []byte) (answer, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil || a.Version == 0 {
		return a, fmt.Errorf("the answer of %s is no version: %.200s", door, strconv.QuoteToASCII(string(body)))
	}
	return a, nil
}
