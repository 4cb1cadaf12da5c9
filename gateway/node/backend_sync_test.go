package node_test

import (
	"encoding/binary"
	"sync"

	"github.com/nats-io/nats.go"
)

// ownKind is a kind that a backend numbers and answers sync for, with a NATS
// client and the README alone: TestStrangersStayStrangers holds this file to
// that. It knows one user.
type ownKind struct {
	mu    sync.Mutex
	items []string // Guarded by mu. The item of version n is items[n-1].
	asked int      // Guarded by mu.
}

func (k *ownKind) add(item string) (version int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.items = append(k.items, item)
	return int64(len(k.items))
}

// ownPage is how many items an answer holds.
const ownPage = 2

// since is what answers a SyncRequest.
func (k *ownKind) since(since int64) (items []ownItem, head int64, more, reset bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	head = int64(len(k.items))
	if since > head {
		return nil, head, false, true
	}
	for v := since + 1; v <= head; v++ {
		if len(items) == ownPage {
			return items, head, true, false
		}
		items = append(items, ownItem{v, k.items[v-1]})
	}
	return items, head, false, false
}

type ownItem struct {
	version int64
	data    string
}

// serve answers hawser.v1.up.<tenant>.sync.<kind>. The messages are protobuf,
// few enough to be written by hand.
func (k *ownKind) serve(nc *nats.Conn, tenant, kind string) error {
	_, err := nc.QueueSubscribe("hawser.v1.up."+tenant+".sync."+kind, "backend", func(m *nats.Msg) {
		since, ok := ownRequest(m.Data)
		if !ok {
			_ = m.RespondMsg(&nats.Msg{Header: nats.Header{"Nats-Service-Error-Code": {"400"}, "Nats-Service-Error": {"not a SyncRequest"}}})
			return
		}
		items, head, more, reset := k.since(since)
		_ = m.Respond(ownResponse(items, head, more, reset))
	})
	if err != nil {
		return err
	}
	return nc.Flush()
}

// ownRequest reads field 1, since, and skips field 2, limit.
func ownRequest(b []byte) (since int64, ok bool) {
	for len(b) > 0 {
		value, n := binary.Uvarint(b[1:])
		if n <= 0 {
			return 0, false
		}
		if b[0] == 1<<3 {
			since = int64(value)
		}
		b = b[1+n:]
	}
	return since, true
}

func ownResponse(items []ownItem, head int64, more, reset bool) (b []byte) {
	for _, it := range items {
		item := binary.AppendUvarint([]byte{1 << 3}, uint64(it.version))
		item = append(binary.AppendUvarint(append(item, 2<<3|2), uint64(len(it.data))), it.data...)
		b = append(binary.AppendUvarint(append(b, 1<<3|2), uint64(len(item))), item...)
	}
	b = binary.AppendUvarint(append(b, 2<<3), uint64(head))
	if more {
		b = append(b, 3<<3, 1)
	}
	if reset {
		b = append(b, 5<<3, 1)
	}
	return b
}
