package pushtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// APNsOptions configures an APNs simulator. Every field may be empty.
type APNsOptions struct {
	// Addr to listen on. Empty: any free port of 127.0.0.1.
	Addr string
	// TeamID and KeyID of the credentials it issues. Empty: made up.
	TeamID, KeyID string
	// Topics that the key may send to. Empty: every topic.
	Topics []string
	// MaxStreams limits the requests under way on a connection. 0: 1000, as
	// Apple does.
	MaxStreams int
}

// APNs simulates Apple's push service. Make one with NewAPNs.
type APNs struct {
	*server
	*journal
	script

	// Static after construction.
	opts APNsOptions
	key  *ecdsa.PrivateKey
	p8   []byte

	// Guarded by tokenMu.
	tokenMu       sync.Mutex
	expiredBefore time.Time
	bearers       []string // distinct, in the order they came
}

// NewAPNs starts a simulator. Close it.
func NewAPNs(opts APNsOptions) (*APNs, error) {
	orText(&opts.TeamID, "TEAMSIM001")
	orText(&opts.KeyID, "KEYSIM0001")
	if opts.MaxStreams <= 0 {
		opts.MaxStreams = 1000
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("pushtest: key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("pushtest: key: %w", err)
	}
	a := &APNs{
		journal: newJournal(),
		script:  newScript(),
		opts:    opts,
		key:     key,
		p8:      pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}
	if a.server, err = listen(opts.Addr, opts.MaxStreams, a); err != nil {
		return nil, err
	}
	a.serve()
	return a, nil
}

// Key returns the provider key as the .p8 file that Apple hands out.
func (a *APNs) Key() []byte { return append([]byte(nil), a.p8...) }

// TeamID is the team of the key.
func (a *APNs) TeamID() string { return a.opts.TeamID }

// KeyID is the id of the key.
func (a *APNs) KeyID() string { return a.opts.KeyID }

// Unregister makes a token answer 410 Unregistered with this timestamp.
func (a *APNs) Unregister(token string, at time.Time) {
	a.AnswerToken(token, Reply{Status: http.StatusGone, Reason: "Unregistered", Timestamp: at})
}

// ExpireProviderTokens makes provider tokens issued before t expired.
func (a *APNs) ExpireProviderTokens(t time.Time) {
	a.tokenMu.Lock()
	defer a.tokenMu.Unlock()
	a.expiredBefore = t
}

// ProviderTokens returns the different provider tokens that came, in order.
func (a *APNs) ProviderTokens() []string {
	a.tokenMu.Lock()
	defer a.tokenMu.Unlock()
	return append([]string(nil), a.bearers...)
}

// ServeHTTP answers as api.push.apple.com does.
func (a *APNs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer a.enter()()
	w.Header().Set("apns-id", r.Header.Get("apns-id"))
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return
	}
	token := strings.TrimPrefix(r.URL.Path, apnsPath)
	a.saw(Request{Token: token, ID: r.Header.Get("apns-id"), Authorization: r.Header.Get("authorization"), At: time.Now()})
	if a.hold(r.Context(), a.closing) != nil {
		panic(http.ErrAbortHandler)
	}
	reply := a.check(r, body)
	if reply.Status == 0 {
		reply, _ = a.next(token)
	}
	if reply.Status == 0 || reply.Status == http.StatusOK {
		a.add(apnsNotification(r, token, body))
		if a.answer(r.Context(), a.closing) != nil {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(http.StatusOK)
		return
	}
	writeAPNs(w, reply)
}

func writeAPNs(w http.ResponseWriter, reply Reply) {
	if reply.headers(w) {
		return
	}
	answer := map[string]any{"reason": reply.Reason}
	if reply.Status == http.StatusGone && !reply.Timestamp.IsZero() {
		answer["timestamp"] = reply.Timestamp.UnixMilli()
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(reply.Status)
	_ = json.NewEncoder(w).Encode(answer)
}

func apnsNotification(r *http.Request, token string, body []byte) Notification {
	var p struct {
		APS struct {
			Alert struct{ Title, Body string } `json:"alert"`
		} `json:"aps"`
		Hawser json.RawMessage `json:"hawser"`
	}
	_ = json.Unmarshal(body, &p) // checked before
	h := r.Header
	return Notification{
		Token: token, ID: h.Get("apns-id"), Collapse: h.Get("apns-collapse-id"),
		Title: p.APS.Alert.Title, Body: p.APS.Alert.Body,
		Background: h.Get("apns-push-type") == "background",
		Priority:   h.Get("apns-priority"), PushType: h.Get("apns-push-type"),
		App: h.Get("apns-topic"), Expiration: h.Get("apns-expiration"),
		Data: textValues(body), Hawser: p.Hawser, Payload: body, At: time.Now(),
	}
}

// textValues returns the custom keys whose values are text.
func textValues(body []byte) map[string]string {
	var all map[string]any
	_ = json.Unmarshal(body, &all)
	out := map[string]string{}
	for k, v := range all {
		if text, ok := v.(string); ok {
			out[k] = text
		}
	}
	return out
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && s != ""
}

func orText(s *string, def string) {
	if *s == "" {
		*s = def
	}
}
