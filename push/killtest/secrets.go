package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// What users write to one another, as the backend publishes it. Nobody but the
// devices and the providers may read it.
const (
	saidItem  = "item: meet me at the old lighthouse"
	saidTitle = "title: Wilhelmina wrote"
	saidBody  = "body: the surprise is on Friday"
	saidData  = "data: thread-of-the-surprise"
)

func (r *run) learnSecrets() (err error) {
	if r.secrets, err = r.fleet.env.Scanner(); err != nil {
		return err
	}
	for name, text := range map[string]string{"an item": saidItem, "a title": saidTitle, "a body": saidBody, "a push's data": saidData} {
		r.secrets.Know(name, []byte(text))
	}
	return nil
}

// listenEvery is the pause between two looks at what the members show.
const listenEvery = 3 * time.Second

// listen reads what the members show of themselves, until ctx ends.
func (r *run) listen(ctx context.Context) {
	for sleep.For(ctx, listenEvery) {
		for name, n := range r.fleet.nodes {
			for _, page := range []string{"/metrics", "/readyz", "/healthz", "/version"} {
				r.scanPage(ctx, name, n.Admin, page)
			}
		}
		for _, s := range r.fleet.nats {
			for _, page := range []string{"/varz", "/connz?subs=detail&auth=true", "/jsz?streams=true&consumers=true&config=true"} {
				r.scanPage(ctx, s.Name, s.Monitor, page)
			}
		}
		for name, pid := range r.fleet.pids() {
			if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil {
				r.scan("the command line of "+name, text)
			}
		}
	}
}

// scanPage reads a page; a member that was killed has none.
func (r *run) scanPage(ctx context.Context, name, addr, page string) {
	ctx, cancel := context.WithTimeout(ctx, listenEvery)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+page, nil)
	if err != nil {
		return
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err == nil {
		r.scan(page+" of "+name, text)
	}
}

// scanLogs looks through what all members wrote, dead ones too.
func (r *run) scanLogs() error {
	logs, err := filepath.Glob(filepath.Join(r.fleet.env.Dir, "*.log"))
	if err != nil {
		return fmt.Errorf("list the logs: %w", err)
	}
	for _, log := range logs {
		text, err := os.ReadFile(log)
		if err != nil {
			return fmt.Errorf("read a log: %w", err)
		}
		r.scan(filepath.Base(log), text)
	}
	return nil
}

func (r *run) scan(where string, text []byte) {
	found := r.secrets.Scan(where, text)
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	for _, f := range found {
		if len(r.book.leaks) < maxFaults {
			r.book.leaks = append(r.book.leaks, f)
		}
	}
}

// overlooked tells the scanner some secrets in the midst of a log, and returns
// those that it does not find.
func (r *run) overlooked() (missed []string) {
	for name, text := range map[string]string{
		"a push token":      pushToken(userName(0), phones()[0].name),
		"a body in base64":  base64.StdEncoding.EncodeToString([]byte(`{"aps":{"alert":{"body":"` + saidBody + `"}}}`)),
		"an item in hex":    hex.EncodeToString([]byte(saidItem)),
		"a title for a URL": url.QueryEscape(saidTitle),
	} {
		if len(r.secrets.Scan("planted", []byte(`{"level":"INFO","msg":"push sent","to":"`+text+`"}`))) == 0 {
			missed = append(missed, name+" in a log")
		}
	}
	return missed
}
