package h2conn

import (
	"net/http"
	"time"
)

// credential is what a connection's requests authenticate with. It is guarded
// by the client's mu.
type credential struct {
	text  string
	since time.Time
}

// becomes changes the credential; false if the last change was too soon ago.
func (c *credential) becomes(text string, now time.Time, every time.Duration) bool {
	switch {
	case c.text == text:
		return true
	case c.text != "" && now.Sub(c.since) < every:
		return false
	}
	c.text, c.since = text, now
	return true
}

// authorize sets a request's credential. If the connection may not have it yet,
// or there is none, the place on it is given back; ok is false then.
//
// The credential is asked for under the lock: no connection sees an older one
// after a newer one.
func (cl *Client) authorize(c *conn, req *http.Request) (ok bool, err error) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	text, err := cl.cfg.Credential()
	if err == nil && c.credential.becomes(text, time.Now(), cl.cfg.CredentialEvery) {
		req.Header.Set("Authorization", text)
		return true, nil
	}
	if err == nil {
		cl.leaveLocked(c)
	}
	c.cc.Release()
	cl.returnLocked(c)
	return false, err
}
