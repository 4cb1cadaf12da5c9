package node_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// An answer is what the publishing API says.
type answer struct {
	Version    int64  `json:"version,string"`
	Duplicate  bool   `json:"duplicate"`
	Code       string `json:"code"`
	Message    string `json:"message"`
	retryAfter string
	status     int
}

// object is a request in JSON.
type object = map[string]any

// event is a request to publish; its fields may be changed.
func event(user, kind, item string) object {
	return object{"user": user, "kind": kind, "item": []byte(item)}
}

// publish must succeed. It uses the API of the fleet's first router.
func (f *fleet) publish(tenant string, body object) answer {
	f.t.Helper()
	a := f.tryPublish(tenant, body)
	if a.status != http.StatusOK || a.Version == 0 {
		f.t.Fatalf("publishing %v: %+v", body["kind"], a)
	}
	return a
}

func (f *fleet) tryPublish(tenant string, body object) answer {
	f.t.Helper()
	key, err := f.env.APIKey(tenant)
	if err != nil {
		f.t.Fatal(err)
	}
	f.secrets.know(body)
	text, err := json.Marshal(body)
	if err != nil {
		f.t.Fatal(err)
	}
	return f.post(text, http.Header{"Authorization": {"Bearer " + key}})
}

func (f *fleet) post(body []byte, header http.Header) answer {
	f.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+f.api()+"/hawser.v1.Publisher/Notify", bytes.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	return readAnswer(f.t, resp)
}

func readAnswer(t testing.TB, resp *http.Response) answer {
	t.Helper()
	a := answer{status: resp.StatusCode, retryAfter: resp.Header.Get("Retry-After")}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("the API answered %d with %.200q", resp.StatusCode, body)
	}
	return a
}

func (f *fleet) api() string {
	for _, addrs := range f.addrs {
		if addr := addrs["api"]; addr != "" {
			return addr
		}
	}
	f.t.Fatal("the fleet has no router")
	return ""
}
