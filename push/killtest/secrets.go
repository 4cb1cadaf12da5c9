package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
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
			r.scanPages(name, n.Pages(ctx))
		}
		for _, s := range r.fleet.nats {
			r.scanPages(s.Name, s.Pages(ctx))
		}
		for name, pid := range r.fleet.pids() {
			if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil {
				r.scan("the command line of "+name, text)
			}
		}
	}
}

func (r *run) scanPages(name string, pages map[string][]byte) {
	for page, text := range pages {
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
