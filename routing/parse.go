package routing

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// ErrSubject is the root of every error about a subject that is not what it
// should be. Such a message is dropped and counted, never guessed at.
var ErrSubject = errors.New("subject is not one of hawser's")

// ParseInbox reverses InboxSubject. A subject whose partition does not
// belong to its user and kind is refused: routers would look for it
// elsewhere.
func ParseInbox(subject string) (tenant, user, kind string, err error) {
	t, err := tokens(subject, prefixInbox, 4)
	if err != nil {
		return "", "", "", err
	}
	tenant, user, kind = t[1], t[2], t[3]
	if InboxSubject(tenant, user, kind) != subject {
		return "", "", "", fmt.Errorf("%w: %q is in another partition than %d, where its user and kind belong",
			ErrSubject, subject, Partition(tenant, user, kind))
	}
	return tenant, user, kind, nil
}

// ParsePublish reverses PublishSubject.
func ParsePublish(subject string) (tenant, user, kind string, err error) {
	t, err := tokens(subject, prefixPublish, 3)
	if err != nil {
		return "", "", "", err
	}
	return t[0], t[1], t[2], nil
}

// ParseAPI reverses APISubject.
func ParseAPI(subject string) (tenant, method string, err error) {
	t, err := tokens(subject, prefixAPI, 2)
	if err != nil {
		return "", "", err
	}
	return t[0], t[1], nil
}

// ParseUpstream reverses UpstreamSubject.
func ParseUpstream(subject string) (tenant, service, method string, err error) {
	t, err := tokens(subject, prefixUpstream, 3)
	if err != nil {
		return "", "", "", err
	}
	return t[0], t[1], t[2], nil
}

// ParseSync reverses SyncSubject, also AtRouter.
func ParseSync(subject string) (tenant, kind string, err error) {
	if at, ok := strings.CutPrefix(subject, prefixAtRouter); ok {
		_, rest, _ := strings.Cut(at, ".")
		subject = prefixInternal + rest
	}
	t, err := tokens(subject, prefixSync, 2)
	if err != nil {
		return "", "", err
	}
	return t[0], t[1], nil
}

// ParseDeviceKey reverses DeviceKey.
func ParseDeviceKey(key string) (tenant, user, device string, err error) {
	t, err := tokens(key, "d.", 3)
	if err != nil {
		return "", "", "", err
	}
	return t[0], t[1], t[2], nil
}

// ParseCutoffKey reverses CutoffKey.
func ParseCutoffKey(key string) (tenant, user, device string, err error) {
	if strings.Count(key, ".") == 2 {
		t, err := tokens(key, "c.", 2)
		if err != nil {
			return "", "", "", err
		}
		return t[0], t[1], "", nil
	}
	t, err := tokens(key, "c.", 3)
	if err != nil {
		return "", "", "", err
	}
	return t[0], t[1], t[2], nil
}

// Sender returns the last token of a subject that ends in the name of the
// edge or push worker that sent it: hw.s.E, hw.b.R, hw.r.R.a.E, hw.q.heads.E
// and the like. The sender's permissions vouch for the name.
func Sender(subject string) (string, error) {
	if !strings.HasPrefix(subject, "hw.") {
		return "", fmt.Errorf("%w: %.100q does not begin with \"hw.\"", ErrSubject, subject)
	}
	name := subject[strings.LastIndexByte(subject, '.')+1:]
	if !wire.ValidID(name) {
		return "", fmt.Errorf("%w: %.100q does not end in a name", ErrSubject, subject)
	}
	return name, nil
}

// tokens returns the n tokens after the prefix, each a valid id.
func tokens(subject, prefix string, n int) ([]string, error) {
	rest, ok := strings.CutPrefix(subject, prefix)
	if !ok {
		return nil, fmt.Errorf("%w: %.100q does not begin with %q", ErrSubject, subject, prefix)
	}
	t := strings.Split(rest, ".")
	if len(t) != n {
		return nil, fmt.Errorf("%w: %.100q has %d tokens after %q, not %d", ErrSubject, subject, len(t), prefix, n)
	}
	for _, s := range t {
		if err := wire.CheckID("token", s); err != nil {
			return nil, fmt.Errorf("%w: %w (in %.100q)", ErrSubject, err, subject)
		}
	}
	return t, nil
}
