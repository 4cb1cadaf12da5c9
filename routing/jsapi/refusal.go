package jsapi

import (
	"errors"

	"github.com/nats-io/nats.go/jetstream"
)

// WrongSequence reports whether a write was refused because another message than
// it expected is the newest. Replicated streams refuse with a code of their own
// while an older write is under way.
func WrongSequence(err error) bool {
	var refusal *jetstream.APIError
	return errors.As(err, &refusal) && (refusal.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		refusal.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
