package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/node"
	"github.com/hawser-edge/hawser/push"
)

// pushTestResult is what push test --json prints. It is added to and never
// changed.
type pushTestResult struct {
	Schema string `json:"schema"`
	App    string `json:"app"`
	// Credential is works, refused or unknown.
	Credential string `json:"credential"`
	// Sent is set where the push service took the test.
	Sent    bool   `json:"sent"`
	Reason  string `json:"reason,omitempty"`
	Problem string `json:"problem,omitempty"`
	Remedy  string `json:"remedy,omitempty"`
}

// maxToken is far above any provider's.
const maxToken = 4096

// tryTimeout bounds what is asked of a push service.
const tryTimeout = 30 * time.Second

func pushTry(ctx context.Context, c *console, args []string) error {
	f := newPushFlags(c, "test", "--app A [--token-file FILE] [--tenant T] [flags]",
		"Tries the credential of an application and says in plain words what is wrong with\n"+
			"it. With --token-file a test is sent to that device; the token is read from the\n"+
			"file, never from the command line. The exit code is 0 if the credential works and\n"+
			"the test was taken, 1 if not, 3 if the push service could not be reached.")
	app := f.String("app", "", "`APP` as in push.apps. Required")
	tenant := f.String("tenant", "", "`TENANT` of the app. Default: any")
	file := f.String("token-file", "", "`FILE` with the push token of a device. -: read it from standard input")
	if err := f.parse(args); err != nil {
		return err
	}
	if *app == "" {
		return usagef("--app is missing: name an application of push.apps")
	}
	token, err := readPushToken(c, *file)
	if err != nil {
		return err
	}
	cfg, err := f.config()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	d, sent, err := node.TestPush(ctx, cfg, *tenant, *app, token, newLog(c, slog.LevelWarn))
	switch {
	case errors.Is(err, node.ErrNoApp):
		return usagef("%w: %.80q", err, *app)
	case err != nil:
		return err
	}
	r := pushTestResult{"hawser.push_test/1", *app, d.Finding.String(), sent, d.Reason, d.Problem, d.Remedy}
	if f.asJSON {
		err = c.json(r)
	} else {
		r.print(c)
	}
	return errors.Join(err, pushVerdict(d, sent, token != ""))
}

func pushVerdict(d push.Diagnosis, sent, asked bool) error {
	switch {
	case d.Finding == push.CredentialUnknown:
		return unreachablef("the credential could not be tried")
	case d.Finding == push.CredentialRefused:
		return errors.New("the push service refuses the credential: see above")
	case asked && !sent:
		return errors.New("the push service did not take the test: see above")
	}
	return nil
}

func (r pushTestResult) print(c *console) {
	line := "The credential of " + r.App + " "
	switch {
	case r.Sent:
		line += "works, and the push service took the test."
	case r.Credential == push.CredentialWorks.String():
		line += "works."
	case r.Credential == push.CredentialRefused.String():
		line += "is refused."
	default:
		line += "could not be tried."
	}
	if r.Reason != "" {
		line += " (" + r.Reason + ")"
	}
	c.printf("%s\n", line)
	for _, s := range []string{r.Problem, r.Remedy} {
		if s != "" {
			c.printf("%s\n", s)
		}
	}
}

// readPushToken reads a token without showing it anywhere.
func readPushToken(c *console, file string) (string, error) {
	if file == "" {
		return "", nil
	}
	in := c.stdin
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return "", usagef("--token-file: %w", err)
		}
		defer opened.Close()
		in = opened
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("read the push token: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if token == "" || len(raw) > maxToken {
		return "", usagef("--token-file has no push token, or more than 4 KiB")
	}
	return token, nil
}
