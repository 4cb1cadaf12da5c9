package pushtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
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
	// Limits of the project and of devices. The zero value has none.
	Limits FCMLimits
}

// FCM simulates Google's push service and its token endpoint. Make one with
// NewFCM.
type FCM struct {
	*server
	counter

	// Static after construction.
	opts  FCMOptions
	key   *rsa.PrivateKey
	quota *quota

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
	f := &FCM{counter: newCounter(fcmStore), quota: newQuota(opts.Limits), opts: opts, key: key, access: map[string]time.Time{}}
	f.phones.limits = opts.Limits
	if f.server, err = listen(opts.Addr, fcmStreams, f); err != nil {
		return nil, err
	}
	f.start()
	return f, nil
}

// Project is the Firebase project that the simulator serves.
func (f *FCM) Project() string { return f.opts.Project }

func (f *FCM) email() string { return "sender@" + f.opts.Project + ".iam.gserviceaccount.com" }

func (f *FCM) tokenURL() string { return f.URL() + "/token" }

const fcmKeyID = "simulatedkey1"

// fcmStreams is what a connection of FCM allows from its beginning.
const fcmStreams = 100

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

// answer implements service, as oauth2.googleapis.com and fcm.googleapis.com
// do.
func (f *FCM) answer(c *call) answer {
	switch {
	case c.method != http.MethodPost:
		return wordFCM(HTML404())
	case c.path == "/token":
		return f.serveToken(c.body)
	case c.path == "/v1/projects/"+f.opts.Project+"/messages:send":
		return f.serveSend(c)
	case strings.HasPrefix(c.path, "/v1/projects/"):
		return wordFCM(Reply{Status: http.StatusForbidden, Reason: "SENDER_ID_MISMATCH"})
	default:
		return wordFCM(HTML404())
	}
}

func (f *FCM) serveSend(c *call) answer {
	m, dry, problem := parseFCM(c.body)
	name := f.name()
	n := m.notification(name, f.opts.Project, c.body)
	r := n.request()
	r.ID = "" // the service's name for it, not the sender's
	return f.serve(c, r, desk{
		check: func() Reply {
			switch {
			case !f.authorized(c.header.Get("Authorization")):
				return Reply{Status: http.StatusUnauthorized}
			case problem != "":
				return BadRequest(problem)
			case dry:
				return Reply{}
			default:
				return f.quota.check(m.Token, time.Now())
			}
		},
		take: func() bool {
			if !dry {
				f.enter(n)
			}
			return !dry
		},
		word: func(r Reply) answer {
			if r.Status == http.StatusOK {
				body, _ := json.Marshal(map[string]string{"name": name}) // text
				return r.answer(body)
			}
			return wordFCM(r)
		},
		closing: f.closing,
	})
}

func (f *FCM) name() string {
	f.oauthMu.Lock()
	defer f.oauthMu.Unlock()
	f.names++
	return fmt.Sprintf("projects/%s/messages/%d", f.opts.Project, f.names)
}
