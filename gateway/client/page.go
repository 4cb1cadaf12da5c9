package client

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// decodeSync reads a SyncResponse.
func decodeSync(_ string, body []byte) (Page, error) {
	var m wirepb.SyncResponse
	if err := proto.Unmarshal(body, &m); err != nil {
		return Page{}, err
	}
	p := Page{Head: m.Head, More: m.More, SnapshotNeeded: m.SnapshotNeeded, ResetToHead: m.ResetToHead}
	for _, item := range m.Items {
		p.Items = append(p.Items, Item{Version: item.GetVersion(), Data: item.GetData()})
	}
	return p, nil
}

// version is what the device has after the page.
func (p Page) version() int64 {
	if p.More {
		return p.Items[len(p.Items)-1].Version
	}
	return p.Head
}

// check refuses a page that would move the version backwards or nowhere.
func (p Page) check(since int64) error {
	if p.Head < 0 || p.Head > wire.MaxVersion {
		return fmt.Errorf("%w: head %d", ErrBadAnswer, p.Head)
	}
	if p.ResetToHead {
		return p.checkReset(since)
	}
	if p.Head < since {
		return fmt.Errorf("%w: head %d is below version %d and there is no reset", ErrBadAnswer, p.Head, since)
	}
	if p.More && len(p.Items) == 0 {
		return fmt.Errorf("%w: more items are promised and none is there", ErrBadAnswer)
	}
	return p.checkItems(since)
}

func (p Page) checkReset(since int64) error {
	if p.Head >= since {
		return fmt.Errorf("%w: reset to head %d, which is not below version %d", ErrBadAnswer, p.Head, since)
	}
	if p.More {
		return fmt.Errorf("%w: more items after a reset", ErrBadAnswer)
	}
	return p.checkItems(0)
}

func (p Page) checkItems(since int64) error {
	for _, item := range p.Items {
		if item.Version <= since || item.Version > p.Head {
			return fmt.Errorf("%w: item %d is not between %d and head %d", ErrBadAnswer, item.Version, since, p.Head)
		}
		since = item.Version
	}
	return nil
}

func syncRequest(since int64) []byte {
	b, err := proto.Marshal(&wirepb.SyncRequest{Since: since})
	if err != nil {
		panic(err) // two integers can always be encoded
	}
	return b
}
