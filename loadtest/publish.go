package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/hawserv1/hawserv1connect"
)

// publisher is the backend.
type publisher struct {
	// Static after construction.
	client hawserv1connect.PublisherClient
	key    string
	users  string
	run    string // part of every event's id
}

// maxIdle is how many connections to the API wait for the next publication.
const maxIdle = 512

func newPublisher(p Plan) (*publisher, error) {
	key, err := config.SecretFile(p.APIKeyFile).ReadTrimmed()
	if err != nil {
		return nil, fmt.Errorf("read the API key: %w", err)
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = maxIdle, maxIdle
	if p.CAFile != "" {
		pem, err := os.ReadFile(p.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the authorities of the API: %w", err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		t.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	return &publisher{
		client: hawserv1connect.NewPublisherClient(&http.Client{Transport: t}, strings.TrimSuffix(p.PublishURL, "/")),
		key:    string(key), users: p.Users, run: fmt.Sprintf("lt-%d-%d", time.Now().UnixMilli(), p.Number),
	}, nil
}

func request[T any](p *publisher, msg *T) *connect.Request[T] {
	r := connect.NewRequest(msg)
	r.Header().Set("Authorization", "Bearer "+p.key)
	return r
}

const (
	// publishTimeout bounds one attempt, publishLimit all of them.
	publishTimeout = 20 * time.Second
	publishLimit   = time.Minute
	// publishPause is the wait after a failure.
	publishPause = 500 * time.Millisecond
)

// notify publishes one event. A repeat after a failure has the same id.
func (p *publisher) notify(ctx context.Context, user, n int) (version int64, err error) {
	msg := &hawserv1.NotifyRequest{
		User: userName(p.users, user), Kind: published, Id: fmt.Sprintf("%s-%d", p.run, n), Item: []byte("loadtest"),
		Urgency: hawserv1.Urgency_NORMAL, Push: &hawserv1.Push{None: true},
	}
	for began := time.Now(); ; {
		version, err = p.once(ctx, msg)
		if err == nil || time.Since(began) > publishLimit || !mayRepeat(err) || !sleep.For(ctx, publishPause) {
			return version, err
		}
	}
}

func (p *publisher) once(ctx context.Context, msg *hawserv1.NotifyRequest) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	res, err := p.client.Notify(ctx, request(p, msg))
	if err != nil {
		return 0, err
	}
	return res.Msg.GetVersion(), nil
}

// mayRepeat reports whether an event was not refused for good.
func mayRepeat(err error) bool {
	switch connect.CodeOf(err) {
	case connect.CodeInvalidArgument, connect.CodeUnauthenticated, connect.CodePermissionDenied, connect.CodeNotFound,
		connect.CodeFailedPrecondition, connect.CodeOutOfRange, connect.CodeUnimplemented:
		return false
	}
	return true
}

// fillMany is how many users one call fills.
const fillMany = 500

// fill gives every user a version of every kind, so that devices have
// something to say in Hello.
func (p *publisher) fill(ctx context.Context, users []int, each func(user, kind int, version int64)) error {
	for len(users) > 0 {
		part := users[:min(fillMany, len(users))]
		users = users[len(part):]
		for kind := range kinds {
			if err := p.fillPart(ctx, part, kind, each); err != nil {
				return fmt.Errorf("give users a first version of %s: %w", kinds[kind], err)
			}
		}
	}
	return nil
}

func (p *publisher) fillPart(ctx context.Context, users []int, kind int, each func(user, kind int, version int64)) (err error) {
	for began := time.Now(); len(users) > 0 && time.Since(began) < publishLimit; {
		if err != nil && !sleep.For(ctx, publishPause) {
			return ctx.Err()
		}
		if users, err = p.fillOnce(ctx, users, kind, each); err != nil && !mayRepeat(err) {
			return err
		}
	}
	if len(users) > 0 {
		return errors.Join(fmt.Errorf("%d users have none", len(users)), err)
	}
	return nil
}

// fillOnce returns the users that are left.
func (p *publisher) fillOnce(ctx context.Context, users []int, kind int, each func(user, kind int, version int64)) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	msg := &hawserv1.NotifyManyRequest{Event: &hawserv1.NotifyRequest{
		Kind: kinds[kind], Id: p.run + "-fill", Item: []byte("loadtest"), Urgency: hawserv1.Urgency_LOW, Push: &hawserv1.Push{None: true},
	}}
	for _, u := range users {
		msg.Users = append(msg.Users, userName(p.users, u))
	}
	res, err := p.client.NotifyMany(ctx, request(p, msg))
	if err != nil {
		return users, err
	}
	var left []int
	for i, r := range res.Msg.GetResults() {
		if fault := r.GetError(); fault != nil {
			left = append(left, users[i])
			err = connect.NewError(codeOf(fault.GetCode()), errors.New(fault.GetMessage()))
			continue
		}
		each(users[i], kind, r.GetVersion())
	}
	return left, err
}

// codeOf is the code with that name.
func codeOf(name string) connect.Code {
	var code connect.Code
	if code.UnmarshalText([]byte(name)) != nil {
		return connect.CodeUnknown
	}
	return code
}

// publish publishes at its instants, whatever becomes of those before.
func (w *worker) publish(ctx context.Context, c PublishCall) {
	users := w.own(c.From, c.To)
	if len(users) == 0 {
		return
	}
	random := rand.New(rand.NewPCG(w.plan.Seed, uint64(w.plan.Number)))
	random.Shuffle(len(users), func(i, j int) { users[i], users[j] = users[j], users[i] })
	rate := c.Rate * float64(len(users)) / float64(c.To-c.From)
	next := c.Start
	took := w.latencies.of(c.Group)
	for n := 0; ; n++ {
		next = next.Add(time.Duration(random.ExpFloat64() * float64(time.Second) / rate))
		due, user := next, users[n%len(users)]
		switch {
		case c.For == 0 && n == len(users), c.For > 0 && due.Sub(c.Start) > c.For:
			return
		case c.For > 0:
			user = users[random.IntN(len(users))]
		}
		if !sleep.For(ctx, time.Until(due)) {
			return
		}
		w.publishing.Go(func() { w.publishOne(ctx, user, due, took) })
	}
}

func (w *worker) publishOne(ctx context.Context, user int, due time.Time, took *histogram) {
	d := w.device(user)
	d.begin()
	version, err := w.publisher.notify(ctx, user, w.nextEvent())
	if err != nil {
		d.answered(publication{})
		if ctx.Err() == nil {
			w.count.refused(publishReasonOf(err))
		}
		return
	}
	w.count.published()
	if d.answered(publication{version, due, took}) {
		w.count.heard(1, false)
	}
}
