package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// Where a stream's and a consumer's leader runs, and which server a client is
// connected to, decides how many servers an event passes. So that the ways
// differ in nothing else, every client is connected to the first server, and it
// leads both streams and both consumers.

// leadStreams makes the server that nc is connected to the leader of both
// streams and of their consumers.
func leadStreams(ctx context.Context, nc *nats.Conn, js jetstream.JetStream) error {
	for stream, consumer := range map[string]string{routing.StreamInbox: routing.ConsumerRouters, rawStream: rawConsumer} {
		err := lead(ctx, nc, "STREAM.LEADER.STEPDOWN."+stream, func(ctx context.Context) (*jetstream.ClusterInfo, error) {
			s, err := js.Stream(ctx, stream)
			if err != nil {
				return nil, err
			}
			return s.CachedInfo().Cluster, nil
		})
		if err != nil {
			return fmt.Errorf("move the leader of stream %s: %w", stream, err)
		}
		if err := leadConsumer(ctx, nc, js, stream, consumer); err != nil {
			return err
		}
	}
	return nil
}

// leadConsumer makes the server that nc is connected to a consumer's leader.
func leadConsumer(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, stream, consumer string) error {
	err := lead(ctx, nc, "CONSUMER.LEADER.STEPDOWN."+stream+"."+consumer, func(ctx context.Context) (*jetstream.ClusterInfo, error) {
		c, err := js.Consumer(ctx, stream, consumer)
		if err != nil {
			return nil, err
		}
		return c.CachedInfo().Cluster, nil
	})
	if err != nil {
		return fmt.Errorf("move the leader of consumer %s: %w", consumer, err)
	}
	return nil
}

// lead asks the leader to step down in favour of the server that nc is
// connected to, until that leads.
func lead(ctx context.Context, nc *nats.Conn, stepDown string, cluster func(context.Context) (*jetstream.ClusterInfo, error)) error {
	here := nc.ConnectedServerName()
	request := map[string]any{"placement": map[string]string{"preferred": here}}
	return devmode.Until(ctx, func() error {
		// Without a leader there is no answer at all.
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		info, err := cluster(ctx)
		if err != nil || info.Leader == here {
			return err
		}
		if err := jsapi.Ask(ctx, nc, stepDown, request, nil); err != nil {
			return fmt.Errorf("the leader does not step down: %w", err)
		}
		time.Sleep(stepTime)
		return fmt.Errorf("%s leads, not %s", info.Leader, here)
	})
}

// stepTime is what a change of leaders takes, about.
const stepTime = 300 * time.Millisecond
