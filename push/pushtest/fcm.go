package pushtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// FCMOptions configures an FCM simulator. Every field may be empty.
type FCMOptions struct {
	// Addr to listen on. Empty: any free port of 127.0.0.1.
	Addr string
	// Project is the Firebase project. Empty: "simulated".
	Project string
	// AccessTokenTTL is the life of the access tokens it issues. 0: 1 h.
	AccessTokenTTL time.Duration
}

// FCM simulates Google's push service and its token endpoint. Make one with
// NewFCM.
type FCM struct {
	*server
	*journal
	script

	// Static after construction.
	opts FCMOptions
	key  *rsa.PrivateKey

	// Guarded by oauthMu.
	oauthMu      sync.Mutex
	access       map[string]time.Time // token -> expiry
	issued       int
	oauthReplies []Reply
	names        int
}

// NewFCM starts a simulator. Close it.
func NewFCM(opts FCMOptions) (*FCM, error) {
	orText(&opts.Project, "simulated")
	if opts.AccessTokenTTL <= 0 {
		opts.AccessTokenTTL = time.Hour
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("pushtest: key: %w", err)
	}
	f := &FCM{journal: newJournal(), script: newScript(), opts: opts, key: key, access: map[string]time.Time{}}
	if f.server, err = listen(opts.Addr, 0, f); err != nil {
		return nil, err
	}
	f.serve()
	return f, nil
}

// Project is the Firebase project that the simulator serves.
func (f *FCM) Project() string { return f.opts.Project }

func (f *FCM) email() string { return "sender@" + f.opts.Project + ".iam.gserviceaccount.com" }

func (f *FCM) tokenURL() string { return f.URL() + "/token" }

const fcmKeyID = "simulatedkey1"

// ServiceAccount returns the credentials as the JSON file that Google hands
// out; its token_uri is the simulator's own.
func (f *FCM) ServiceAccount() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(f.key)
	if err != nil {
		panic(err) // a key that was just made
	}
	out, err := json.Marshal(map[string]string{
		"type":           "service_account",
		"project_id":     f.opts.Project,
		"private_key_id": fcmKeyID,
		"private_key":    string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email":   f.email(),
		"client_id":      "1",
		"token_uri":      f.tokenURL(),
	})
	if err != nil {
		panic(err) // text only
	}
	return out
}

// Unregister makes a token answer 404 UNREGISTERED.
func (f *FCM) Unregister(token string) {
	f.AnswerToken(token, Reply{Status: http.StatusNotFound, Reason: "UNREGISTERED"})
}

// ServeHTTP answers as oauth2.googleapis.com and fcm.googleapis.com do.
func (f *FCM) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return
	}
	switch {
	case r.Method != http.MethodPost:
		writeFCM(w, HTML404())
	case r.URL.Path == "/token":
		f.serveToken(w, body)
	case r.URL.Path == "/v1/projects/"+f.opts.Project+"/messages:send":
		f.serveSend(w, r, body)
	case strings.HasPrefix(r.URL.Path, "/v1/projects/"):
		writeFCM(w, Reply{Status: http.StatusForbidden, Reason: "SENDER_ID_MISMATCH"})
	default:
		writeFCM(w, HTML404())
	}
}

func (f *FCM) serveSend(w http.ResponseWriter, r *http.Request, body []byte) {
	defer f.enter()()
	m, dry, problem := parseFCM(body)
	f.saw(Request{Token: m.Token, Authorization: r.Header.Get("Authorization"), At: time.Now()})
	if f.hold(r.Context(), f.closing) != nil {
		panic(http.ErrAbortHandler)
	}
	if !f.authorized(r.Header.Get("Authorization")) {
		writeFCM(w, Reply{Status: http.StatusUnauthorized})
		return
	}
	if problem != "" {
		writeFCM(w, BadRequest(problem))
		return
	}
	if reply, ok := f.next(m.Token); ok && reply.Status != http.StatusOK {
		writeFCM(w, reply)
		return
	}
	name := f.name()
	if !dry {
		f.add(m.notification(name, f.opts.Project, body))
	}
	if f.answer(r.Context(), f.closing) != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"name": name})
}

func (f *FCM) name() string {
	f.oauthMu.Lock()
	defer f.oauthMu.Unlock()
	f.names++
	return fmt.Sprintf("projects/%s/messages/%d", f.opts.Project, f.names)
}
