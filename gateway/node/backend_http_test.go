package node_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// httpBackend is a tenant's backend that has HTTP and the README, and nothing
// else: TestStrangersStayStrangers holds this file to the standard library.
type httpBackend struct {
	secret []byte
	// since answers a sync.
	since func(since int64) (items []map[string]any, head int64, more bool)
}

// ServeHTTP implements http.Handler.
func (b *httpBackend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err == nil {
		err = httpVerify(r.Header, body, b.secret)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	switch r.Header.Get("Hawser-Service") + "." + r.Header.Get("Hawser-Method") {
	case "echo.say":
		_, _ = fmt.Fprintf(w, "%s's %s said %s", r.Header.Get("Hawser-User"), r.Header.Get("Hawser-Device"), body)
	case "sync.account":
		b.sync(w, body)
	default:
		http.Error(w, "there is no such method", http.StatusNotFound)
	}
}

func (b *httpBackend) sync(w http.ResponseWriter, body []byte) {
	var asked struct {
		Since int64 `json:"since,string"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		http.Error(w, "not a SyncRequest", http.StatusBadRequest)
		return
	}
	items, head, more := b.since(asked.Since)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"items": items, "head": strconv.FormatInt(head, 10), "more": more})
}

// httpVerify is the README's.
func httpVerify(h http.Header, body, secret []byte) error {
	var at string
	var signatures []string
	for _, part := range strings.Split(h.Get("Hawser-Signature"), ",") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "t":
			at = value
		case "v1":
			signatures = append(signatures, value)
		}
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age.Abs() > 5*time.Minute {
		return errors.New("the call is too old, or a clock is wrong")
	}
	mac := hmac.New(sha256.New, secret)
	for _, part := range []string{at, h.Get("Hawser-Tenant"), h.Get("Hawser-User"), h.Get("Hawser-Device"), h.Get("Hawser-Service"), h.Get("Hawser-Method")} {
		_, _ = io.WriteString(mac, part+"\n")
	}
	mac.Write(body)
	want := hex.EncodeToString(mac.Sum(nil))
	for _, got := range signatures {
		if hmac.Equal([]byte(got), []byte(want)) {
			return nil
		}
	}
	return errors.New("the signature does not fit")
}
