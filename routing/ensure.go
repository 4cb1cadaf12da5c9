package routing

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// EnsureStreams creates the streams, consumers and the bucket, or brings
// existing ones to these options. Several routers may do so at once. What
// can not be changed on a living stream is refused with an error that says
// what to do.
func EnsureStreams(ctx context.Context, js jetstream.JetStream, o StreamOptions) error {
	o = o.withDefaults()
	for _, cfg := range []jetstream.StreamConfig{o.inbox(), o.push(), o.pushDead(), o.events()} {
		if err := ensureStream(ctx, js, cfg); err != nil {
			return err
		}
	}
	if err := ensureConsumer(ctx, js, StreamInbox, o.routers()); err != nil {
		return err
	}
	// In this order: two consumers of a work queue must not overlap, and that of
	// an older release took all subjects.
	for _, cfg := range []jetstream.ConsumerConfig{o.pushers(), o.laterPushers()} {
		if err := ensureConsumer(ctx, js, StreamPush, cfg); err != nil {
			return err
		}
	}
	return ensureBucket(ctx, js, o.devices())
}

// EnsureCells is EnsureStreams for the bucket of what edges learned of
// networks. It stands alone, because everything else goes on without it.
func EnsureCells(ctx context.Context, js jetstream.JetStream, o StreamOptions) error {
	return ensureBucket(ctx, js, o.withDefaults().cells())
}

// ensureStream creates the stream, or updates the one that is there. Routers
// that start at once differ in FirstSeq only: the first one's stays.
func ensureStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	_, err := js.CreateStream(ctx, want)
	if err == nil {
		return nil
	}
	if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return fmt.Errorf("create stream %s: %w%s", want.Name, err, streamAdvice(err))
	}
	s, err := js.Stream(ctx, want.Name)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", want.Name, err)
	}
	have := s.CachedInfo().Config
	if have.Retention != want.Retention || have.Storage != want.Storage {
		return fmt.Errorf("stream %s exists with retention %v on %v storage, not %v on %v: that can not be changed; drain hawser, delete the stream and start again",
			want.Name, have.Retention, have.Storage, want.Retention, want.Storage)
	}
	next := merge(have, want)
	if sameStream(have, next) {
		return nil
	}
	if _, err = js.UpdateStream(ctx, next); err != nil {
		return fmt.Errorf("update stream %s: %w%s", want.Name, err, streamAdvice(err))
	}
	return nil
}

// merge takes what hawser decides from want and leaves the rest, such as
// placement and mirrors, as an operator set it.
func merge(have, want jetstream.StreamConfig) jetstream.StreamConfig {
	have.Description, have.Subjects = want.Description, want.Subjects
	have.Replicas, have.Discard = want.Replicas, want.Discard
	have.MaxBytes, have.MaxAge = want.MaxBytes, want.MaxAge
	have.MaxMsgs, have.MaxMsgsPerSubject = want.MaxMsgs, want.MaxMsgsPerSubject
	have.AllowDirect, have.Duplicates = want.AllowDirect, want.Duplicates
	return have
}

func sameStream(a, b jetstream.StreamConfig) bool {
	return a.Description == b.Description &&
		slices.Equal(a.Subjects, b.Subjects) &&
		a.Replicas == b.Replicas && a.Discard == b.Discard &&
		a.MaxBytes == b.MaxBytes && a.MaxAge == b.MaxAge &&
		a.MaxMsgs == b.MaxMsgs && a.MaxMsgsPerSubject == b.MaxMsgsPerSubject &&
		a.AllowDirect == b.AllowDirect && a.Duplicates == b.Duplicates
}

func ensureConsumer(ctx context.Context, js jetstream.JetStream, stream string, cfg jetstream.ConsumerConfig) error {
	if _, err := js.CreateOrUpdateConsumer(ctx, stream, cfg); err != nil {
		return fmt.Errorf("consumer %s of stream %s: %w; if it was made with another acknowledgement or delivery policy, drain hawser and delete it",
			cfg.Durable, stream, err)
	}
	return nil
}

func ensureBucket(ctx context.Context, js jetstream.JetStream, cfg jetstream.KeyValueConfig) error {
	_, err := js.CreateKeyValue(ctx, cfg)
	if errors.Is(err, jetstream.ErrBucketExists) {
		_, err = js.UpdateKeyValue(ctx, cfg)
	}
	if err != nil {
		return fmt.Errorf("bucket %s: %w%s", cfg.Bucket, err, streamAdvice(err))
	}
	return nil
}

func streamAdvice(err error) string {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return ""
	}
	const (
		noResources      = 10023
		noStorage        = 10047
		noMemory         = 10028
		overlap          = 10065
		noPeers          = 10005
		replicasNotAlone = 10074
	)
	switch api.ErrorCode {
	case noResources, noStorage, noMemory:
		return "; raise max_file_store of the NATS servers or lower the streams' max bytes"
	case overlap:
		return "; another stream has these subjects: nobody but hawser may bind them"
	case noPeers, replicasNotAlone:
		return "; the NATS cluster has fewer servers than replicas are asked for"
	default:
		return ""
	}
}
