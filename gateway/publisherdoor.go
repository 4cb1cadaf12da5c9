package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/hawserv1/hawserv1connect"
)

// defaultAPI is where a router on this machine listens.
const defaultAPI = "http://127.0.0.1:7480"

// publisherDoor is the backends' API as the command line names it.
type publisherDoor struct {
	api, keyFile, caFile, dev string
	timeout                   time.Duration
}

func (d *publisherDoor) register(f *flags) {
	f.StringVar(&d.api, "api", "", "`URL` of the router's API. Default: HAWSER_API, a running dev's, or "+defaultAPI)
	f.StringVar(&d.keyFile, "api-key-file", "", "`FILE` with the API key. Default: HAWSER_API_KEY_FILE, or a running dev's")
	f.StringVar(&d.caFile, "ca-file", "", "`FILE` with the authorities of the API's certificate. Default: the system's")
	f.DurationVar(&d.timeout, "timeout", 20*time.Second, "`DURATION` to wait for the answer; a router itself gives up after 15s. Default: 20s")
	f.StringVar(&d.dev, "dev", "", devUsage)
}

// publisher calls the API.
type publisher struct {
	// Static after construction.
	api    string
	key    string
	self   string
	client hawserv1connect.PublisherClient
}

// open finds the API and the key. It connects to nothing yet.
func (d *publisherDoor) open(c *console) (*publisher, error) {
	api, keyFile, err := d.find(c)
	if err != nil {
		return nil, err
	}
	if u, err := url.Parse(api); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usagef("--api %.80q is not a URL: write for example %s", api, defaultAPI)
	}
	key, err := config.SecretFile(keyFile).ReadTrimmed()
	switch {
	case err != nil:
		return nil, usagef("cannot read the API key: %w", err)
	case len(key) == 0 || bytes.ContainsAny(key, " \t\r\n"):
		return nil, usagef("%s must hold one API key on one line", keyFile)
	}
	client, err := d.httpClient()
	if err != nil {
		return nil, err
	}
	return &publisher{
		api: api, key: string(key), self: c.self,
		client: hawserv1connect.NewPublisherClient(client, strings.TrimSuffix(api, "/")),
	}, nil
}

// find decides on the API and the file of its key. The key of dev is taken
// for the API of dev only: it has no business elsewhere.
func (d *publisherDoor) find(c *console) (api, keyFile string, err error) {
	api = cmp.Or(d.api, c.getenv("HAWSER_API"))
	keyFile = cmp.Or(d.keyFile, c.getenv("HAWSER_API_KEY_FILE"))
	if api == "" || d.dev != "" {
		dev, err := findDev(c, d.dev)
		if err != nil {
			return "", "", err
		}
		if dev != nil && (api == "" || api == dev.API) {
			api, keyFile = dev.API, cmp.Or(keyFile, dev.APIKeyFile)
		}
	}
	if keyFile == "" {
		return "", "", usagef("no API key: name its file with --api-key-file or HAWSER_API_KEY_FILE, or start %s dev", c.self)
	}
	return cmp.Or(api, defaultAPI), keyFile, nil
}

func (d *publisherDoor) httpClient() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if d.caFile != "" {
		pool, err := loadCAs(d.caFile)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &http.Client{
		Transport: transport,
		// A redirect would carry the key to a place nobody named.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

func loadCAs(file string) (*x509.CertPool, error) {
	pem, err := config.File(file).Read()
	if err != nil {
		return nil, usagef("cannot read the certificate authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, usagef("%s holds no certificate in PEM", file)
	}
	return pool, nil
}

// Notify stores one event.
func (p *publisher) Notify(ctx context.Context, msg *hawserv1.NotifyRequest) (*hawserv1.NotifyResponse, error) {
	req := connect.NewRequest(msg)
	req.Header().Set("Authorization", "Bearer "+p.key)
	res, err := p.client.Notify(ctx, req)
	if err != nil {
		return nil, err
	}
	return res.Msg, nil
}

// explain turns an error of a call into one that says what to do.
func (p *publisher) explain(err error) error {
	if e := wireError(err); e != nil {
		return errors.New("refused (" + e.Code().String() + "): " + e.Message())
	}
	switch connect.CodeOf(err) {
	case connect.CodeCanceled:
		return errors.New("interrupted: it is not known whether the event was stored, repeat it with the same --id")
	case connect.CodeDeadlineExceeded:
		return unreachablef("%s did not answer in time: it is not known whether the event was stored, repeat it with the same --id", p.api)
	case connect.CodeUnavailable:
		return unreachablef("cannot reach %s: %w. Start %s dev or serve, or name another with --api", p.api, errors.Unwrap(err), p.self)
	}
	return errors.New("the answer from " + p.api + " is not one of a router, check --api: " + err.Error())
}
