package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/reach"
)

// connectNATS opens the connection of one role under the role's own user. It
// returns at once: where no server can be reached it goes on trying for as
// long as the connection is open, and nothing is buffered meanwhile, because
// all that travels here is repeated from state. The caller closes it.
func connectNATS(p parts, role config.Role) (*nats.Conn, *natsWatch, error) {
	opts, name, err := natsOptions(p.cfg, role, p.log)
	if err != nil {
		return nil, nil, err
	}
	watch := newNATSWatch(name, role, p)
	opts = append(opts, watch.options()...)
	nc, err := nats.Connect(strings.Join(p.cfg.NATS.URLs, ","), opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("connect the role %s to NATS: %w", role, err)
	}
	watch.follow(nc)
	return nc, watch, nil
}

// maxReadConns is over how many NATS servers one process spreads its reads.
const maxReadConns = 3

// readConns are the connections that a router reads the inbox log over, and by
// which it and a push worker tell which NATS servers hear one another.
type readConns []*homing

// connectReads opens them: to each of the first servers that are configured,
// and to any other one while that is away. The first connection's watch hears
// of their errors. The caller closes them, also where there is an error.
func connectReads(p parts, role config.Role, watch *natsWatch) (reads readConns, err error) {
	urls := p.cfg.NATS.URLs
	for i := range min(len(urls), maxReadConns) {
		opts, _, err := natsOptions(p.cfg, role, p.log)
		if err != nil {
			return reads, err
		}
		h := newHoming(urls[i])
		opts = append(opts, nats.DontRandomize(), nats.ErrorHandler(watch.reported), nats.ReconnectToServer(h.choose))
		if h.nc, err = nats.Connect(strings.Join(slices.Concat(urls[i:], urls[:i]), ","), opts...); err != nil {
			return reads, fmt.Errorf("connect the role %s to NATS for reads: %w", role, err)
		}
		reads = append(reads, h)
	}
	return reads, nil
}

func (r readConns) conns() (conns []*nats.Conn) {
	for _, h := range r {
		conns = append(conns, h.nc)
	}
	return conns
}

// run keeps each at its own server, until ctx ends.
func (r readConns) run(ctx context.Context) {
	var all sync.WaitGroup
	for _, h := range r {
		all.Go(func() { h.run(ctx, homeEvery) })
	}
	all.Wait()
}

func (r readConns) close() {
	for _, h := range r {
		h.nc.Close()
	}
}

// watchReach has a role leave a server that is cut off from the others. subject
// is one that the role alone publishes to, about once a second. cutOff, if any,
// is told of those of r whose server is cut off.
func (r readConns) watchReach(nc *nats.Conn, subject string, cutOff func(*nats.Conn), watch *natsWatch, log *slog.Logger) *reach.Watch {
	return reach.New(reach.Config{
		Conn: nc, Others: r.conns(), Subject: subject, Log: log, CutOff: cutOff, Moved: func(string) { watch.moves.Inc() },
	})
}

// natsOptions are a role's options with login and TLS, and its user as
// operators know it.
func natsOptions(cfg *config.Config, role config.Role, log *slog.Logger) (opts []nats.Option, name string, err error) {
	login, name, err := natsLogin(cfg.NATS.User(role), log)
	if err != nil {
		return nil, "", err
	}
	opts = append(routing.ConnectOptions(routing.Role(role), cfg.Name), login)
	if file := cfg.NATS.CAFile; file != "" {
		pool, err := certPool(file)
		if err != nil {
			return nil, "", err
		}
		opts = append(opts, nats.Secure(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	}
	return opts, name, nil
}

// natsLogin also says how operators know the user. Both kinds of files are
// read for each attempt, so that what changed in them counts without a
// restart.
func natsLogin(u *config.NATSUser, log *slog.Logger) (login nats.Option, name string, err error) {
	if u.CredsFile != "" {
		return nats.UserCredentials(string(u.CredsFile)), string(u.CredsFile), nil
	}
	if _, err := u.PasswordFile.ReadTrimmed(); err != nil {
		return nil, "", fmt.Errorf("read the NATS password of %s: %w", u.User, err)
	}
	return nats.UserInfoHandler(func() (user, password string) {
		read, err := u.PasswordFile.ReadTrimmed()
		if err != nil {
			log.Error("the NATS password cannot be read", "user", u.User, "error", err)
		}
		return u.User, string(read)
	}), u.User, nil
}

// certPool reads the authorities of a PEM file.
func certPool(file config.File) (*x509.CertPool, error) {
	pem, err := file.Read()
	if err != nil {
		return nil, fmt.Errorf("read the certificate authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: %w", file, errNoCertificate)
	}
	return pool, nil
}

var errNoCertificate = errors.New("there is no certificate in the file: give PEM")
