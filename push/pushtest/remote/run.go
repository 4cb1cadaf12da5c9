package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/hawser-edge/hawser/push/pushtest"
)

// Schema is the form of State.
const Schema = "hawser.pushsim/1"

// Options of a process of simulators.
type Options struct {
	// Dir takes the credentials; it must exist.
	Dir string
	// APNs and FCM are those of the simulators.
	APNs pushtest.APNsOptions
	FCM  pushtest.FCMOptions
	// Control is the address that steers them. Empty: any free port of
	// 127.0.0.1.
	Control string
}

// State is what whoever uses the simulators has to know.
type State struct {
	Schema string `json:"schema"`
	APNs   struct {
		URL     string `json:"url"`
		TeamID  string `json:"team_id"`
		KeyID   string `json:"key_id"`
		KeyFile string `json:"key_file"`
		CAFile  string `json:"ca_file"`
	} `json:"apns"`
	FCM struct {
		URL             string `json:"url"`
		Project         string `json:"project"`
		CredentialsFile string `json:"credentials_file"`
		CAFile          string `json:"ca_file"`
	} `json:"fcm"`
	Control string `json:"control"`
}

// Run starts both simulators, writes their State to out as one line of JSON
// and serves until ctx ends.
func Run(ctx context.Context, o Options, out io.Writer) error {
	apns, err := pushtest.NewAPNs(o.APNs)
	if err != nil {
		return err
	}
	defer func() { _ = apns.Close() }()
	fcm, err := pushtest.NewFCM(o.FCM)
	if err != nil {
		return err
	}
	defer func() { _ = fcm.Close() }()
	state, err := writeFiles(o.Dir, apns, fcm)
	if err != nil {
		return err
	}
	if o.Control == "" {
		o.Control = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", o.Control)
	if err != nil {
		return fmt.Errorf("pushsim: %w", err)
	}
	state.Control = "http://" + l.Addr().String()
	if err := json.NewEncoder(out).Encode(state); err != nil {
		_ = l.Close()
		return fmt.Errorf("pushsim: telling the addresses: %w", err)
	}
	return serve(ctx, l, Handler(apns, fcm))
}

func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		_ = s.Close()
	})
	err := s.Serve(l)
	if !stop() {
		<-ended
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("pushsim: %w", err)
}

func writeFiles(dir string, apns *pushtest.APNs, fcm *pushtest.FCM) (State, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return State{}, fmt.Errorf("pushsim: %w", err)
	}
	s := State{Schema: Schema}
	s.APNs.URL, s.APNs.TeamID, s.APNs.KeyID = apns.URL(), apns.TeamID(), apns.KeyID()
	s.FCM.URL, s.FCM.Project = fcm.URL(), fcm.Project()
	var problems []error
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			problems = append(problems, fmt.Errorf("pushsim: %w", err))
		}
		return path
	}
	s.APNs.KeyFile, s.APNs.CAFile = write("apns.p8", apns.Key()), write("apns-ca.pem", apns.CAPEM())
	s.FCM.CredentialsFile, s.FCM.CAFile = write("fcm.json", fcm.ServiceAccount()), write("fcm-ca.pem", fcm.CAPEM())
	return s, errors.Join(problems...)
}
