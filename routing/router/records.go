package router

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// retryPause is the pause before something that NATS refused is tried again.
const retryPause = 500 * time.Millisecond

// recordUpdate is a change of a device's record; the zero device says that
// all that was there has been told.
type recordUpdate struct {
	device   table.DeviceID
	hasToken bool
	// isCutoff: the update is of a cutoff; nil: it is no longer kept.
	isCutoff bool
	cutoff   *linkpb.Cutoff
}

// watchRecords tells the loop of every device record, and of each change,
// until ctx ends.
func (r *Router) watchRecords(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.watchOnce(ctx); err != nil && ctx.Err() == nil {
			r.metrics.retries.WithLabelValues(retryRecords).Inc()
			r.cfg.Log.Warn("device records cannot be watched, trying again", "error", err)
		}
		sleep.For(ctx, retryPause)
	}
}

// errRewatch ends a watch so that a new one begins.
var errRewatch = errors.New("the bucket was lost")

// RewatchRecords begins the watch of the device records anew: one on a bucket
// that was lost and made anew may hear of nothing any more, and not say so.
func (r *Router) RewatchRecords() {
	select {
	case r.rewatch <- struct{}{}:
	default: // one is on its way
	}
}

func (r *Router) watchOnce(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	kv, err := r.cfg.JS.KeyValue(bounded, routing.BucketDevices)
	if err != nil {
		return err
	}
	w, err := kv.WatchFiltered(ctx, []string{routing.DevicesAll, routing.CutoffsAll})
	if err != nil {
		return err
	}
	defer func() { _ = w.Stop() }() // fails only where the connection is closed
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.rewatch:
			return errRewatch
		case e, ok := <-w.Updates():
			if !ok {
				return errors.New("the watch ended")
			}
			if !r.tellRecord(ctx, e) {
				return nil
			}
		}
	}
}

func (r *Router) tellRecord(ctx context.Context, e jetstream.KeyValueEntry) bool {
	var u recordUpdate
	if e != nil && strings.HasPrefix(e.Key(), routing.CutoffsAll[:2]) {
		var ok bool
		if u, ok = r.cutoffUpdate(e); !ok {
			return true
		}
	} else if e != nil {
		t, user, d, err := routing.ParseDeviceKey(e.Key())
		if err != nil {
			r.metrics.malformed.WithLabelValues(malformedRecord).Inc()
			return true
		}
		u = recordUpdate{device: table.ID(t, user, d), hasToken: r.hasToken(e)}
	}
	select {
	case r.records <- u:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *Router) hasToken(e jetstream.KeyValueEntry) bool {
	if e.Operation() != jetstream.KeyValuePut {
		return false
	}
	rec, err := devices.ParseRecord(e.Value())
	if err != nil {
		r.metrics.malformed.WithLabelValues(malformedRecord).Inc()
		return false
	}
	return rec.GetPushToken() != ""
}
