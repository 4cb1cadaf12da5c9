package node_test

import (
	"net/http"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/routing"
)

// What somebody deletes in NATS under a running router is made anew, and news
// is heard again, without a restart.
func TestLostStreams(t *testing.T) {
	t.Parallel()
	f, startNATS := fleetBeforeNATS(t, routing.User{Role: routing.RoleOperator, Label: "boss", Password: "a password of the operator"})
	js, err := jetstream.New(startNATS().Conn(routing.RoleOperator, "boss"))
	if err != nil {
		t.Fatal(err)
	}
	f.start(whole)
	f.waitReady(whole)
	phone := f.connect("rosa", "phone", phoneOptions{})
	f.publish(tenantA, event("rosa", "messages", "before"))
	for what, remove := range map[string]func() error{
		"consumer": func() error { return js.DeleteConsumer(t.Context(), routing.StreamInbox, routing.ConsumerRouters) },
		"streams": func() error {
			for _, s := range []string{routing.StreamInbox, routing.StreamPush, routing.StreamEvents} {
				if err := js.DeleteStream(t.Context(), s); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		mended := `hawser_backlog_streams_mended_total`
		f.counts(whole, mended, 1, func() {
			if err := remove(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "not ready without its "+what, func() error { return f.notReady(whole) })
			f.waitReady(whole)
		})
		a := f.publish(tenantA, event("rosa", "messages", "after"))
		phone.waitHeard("messages", a.Version)
	}
	// The bucket of devices, too, and the router hears of those that register
	// with the new one.
	if err := js.DeleteStream(t.Context(), routing.StreamDevices); err != nil {
		t.Fatal(err)
	}
	eventually(t, "not ready without the bucket", func() error { return f.notReady(whole) })
	f.waitReady(whole)
	f.greeted(whole, "nick", "phone", func(h *wirepb.Hello) { h.PushToken = devmode.DeviceToken("nick", "phone") })
	f.waitRecords(1)
}

func (f *fleet) notReady(name string) error {
	if status, _ := f.get(name, "/readyz"); status != http.StatusServiceUnavailable {
		return errNotYet
	}
	return nil
}
