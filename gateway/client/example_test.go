package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/transport/memtransport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// A device that prints what it hears. An application sets Addr to its edge and
// leaves Dial out.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c, err := client.New(client.Config{
		Dial: exampleEdge(),
		Token: func(context.Context) (string, error) {
			return "the JWT from your backend", nil
		},
		OnEvent: func(_ context.Context, e client.Event) error {
			for _, item := range e.Items {
				fmt.Printf("%s %d: %s\n", e.Kind, item.Version, item.Data)
			}
			cancel() // enough for an example
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	err = c.Run(ctx)
	var closed *client.CloseError
	if errors.As(err, &closed) {
		log.Fatal(closed.Code.Advice())
	}
	fmt.Println("versions:", c.Versions())
	// Output:
	// messages 7: hello
	// versions: map[messages:7]
}

// exampleEdge stands for an edge that has one message.
func exampleEdge() func(context.Context, transport.Kind, string) (transport.Conn, error) {
	return func(context.Context, transport.Kind, string) (transport.Conn, error) {
		device, edge := memtransport.Pipe()
		go func() {
			r := wire.NewReader(edge, wire.MaxPayload)
			for {
				f, err := r.Next()
				if err != nil {
					return
				}
				var answer []byte
				switch f := f.(type) {
				case *wire.Hello:
					answer = wire.Append(answer, &wire.Welcome{Body: &wirepb.Welcome{Epoch: 1, Kinds: []string{"messages"}}})
					answer = wire.Append(answer, &wire.Notify{Kind: wire.Kind{Number: 1}, Version: 7})
				case *wire.Request:
					body, _ := proto.Marshal(&wirepb.SyncResponse{Items: []*wirepb.Item{{Version: 7, Data: []byte("hello")}}, Head: 7})
					answer = wire.Append(answer, &wire.Response{ID: f.ID, Body: body})
				}
				_, _ = edge.Write(answer)
			}
		}()
		return device, nil
	}
}
