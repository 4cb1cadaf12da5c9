package pushqueue_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// What Parse accepts names one valid device, the one of the subject.
func FuzzParse(f *testing.F) {
	good, err := proto.Marshal(&linkpb.PushJob{
		Tenant: "acme", User: "u1", Device: "d1", Kind: "messages", Version: 5, EventMs: 1_700_000_000_000, Urgency: 2,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("push.acme.u1.d1.messages", good)
	f.Add("push.acme.u1.d2.messages", good)
	f.Add("pushlater.acme.u1.d1.messages", good)
	f.Add("", []byte("\xff"))
	f.Fuzz(func(t *testing.T, subject string, data []byte) {
		j, err := pushqueue.Parse(subject, data)
		if err != nil {
			return
		}
		if routing.PushSubject(j.Tenant, j.User, j.Device, j.Kind) != subject && routing.PushLaterSubject(j.Tenant, j.User, j.Device, j.Kind) != subject {
			t.Errorf("%q gives %+v", subject, j)
		}
		for _, id := range []string{j.Tenant, j.User, j.Device, j.Kind} {
			if !wire.ValidID(id) {
				t.Errorf("id %q", id)
			}
		}
		if wire.CheckVersion(j.Version) != nil || len(j.Push) > pushqueue.MaxPush {
			t.Errorf("%+v", j)
		}
	})
}
