package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/transport/memtransport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// tokens returns token-1, token-2, ...
func tokens() func(context.Context) (string, error) {
	n := 0
	return func(context.Context) (string, error) {
		n++
		return fmt.Sprintf("token-%d", n), nil
	}
}

func TestCloseCodesThatReconnect(t *testing.T) {
	const spread = 20 * time.Second
	for _, c := range []struct {
		code wire.CloseCode
		most time.Duration
	}{
		{wire.CloseShutdown, spread},
		{wire.CloseIdle, 0},
		{wire.CloseBusy, time.Second},
		{wire.CloseTooSlow, time.Second},
		{wire.CloseRateLimited, time.Second},
		{wire.CloseInternal, time.Second},
		{wire.CloseClock, time.Second},
		{3499, time.Second},
	} {
		t.Run(c.code.String(), func(t *testing.T) {
			virtual(t, nil, func(e *edge) {
				p := e.welcomed(&wirepb.Welcome{ReconnectSpreadMs: spread.Milliseconds()})
				time.Sleep(2 * time.Minute) // a steady connection
				p.closeWith(c.code)
				start := time.Now()
				p = e.accept()
				// The device's end lingers no longer than a virtual moment.
				if waited := time.Since(start); waited > c.most {
					t.Errorf("reconnected after %s, want at most %s", waited, c.most)
				}
				hello := expect[*wire.Hello](p).Body
				if hello.Last.GetEnd() != wirepb.LastConnection_END_TOLD {
					t.Errorf("reported %s", hello.Last.GetEnd())
				}
				p.welcome(nil)
			})
		})
	}
}

func TestCloseCodesThatStop(t *testing.T) {
	for _, code := range []wire.CloseCode{
		wire.CloseSuperseded, wire.CloseProtocol, wire.CloseFrameTooLarge, wire.ClosePermissionDenied,
		wire.CloseRemoved, wire.CloseBye, 3999,
	} {
		for _, when := range []string{"before", "after"} {
			t.Run(code.String()+" "+when+" Welcome", func(t *testing.T) {
				virtual(t, nil, func(e *edge) {
					p := e.accept()
					expect[*wire.Hello](p)
					if when == "after" {
						p.welcome(nil)
					}
					p.closeWith(code)
					var closed *client.CloseError
					if err := e.returned(); !errors.As(err, &closed) || closed.Code != code || closed.Reason != "test" {
						t.Errorf("Run = %v", err)
					}
				})
			})
		}
	}
}

// On QUIC the code may come without its frame.
func TestCloseCodeWithoutFrame(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		_ = p.conn.CloseWithCode(uint16(wire.CloseSuperseded), "newer")
		var closed *client.CloseError
		if err := e.returned(); !errors.As(err, &closed) || closed.Code != wire.CloseSuperseded {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestRefusedToken(t *testing.T) {
	for _, code := range []wire.CloseCode{wire.CloseUnauthenticated, wire.CloseTokenExpired} {
		t.Run(code.String()+", no other", func(t *testing.T) {
			virtual(t, nil, func(e *edge) {
				p := e.accept()
				expect[*wire.Hello](p)
				p.closeWith(code)
				var closed *client.CloseError
				if err := e.returned(); !errors.As(err, &closed) || closed.Code != code {
					t.Errorf("Run = %v", err)
				}
			})
		})
		t.Run(code.String()+", another works", func(t *testing.T) {
			virtual(t, func(c *client.Config) { c.Token = tokens() }, func(e *edge) {
				p := e.accept()
				expect[*wire.Hello](p)
				p.closeWith(code)
				p = e.welcomed(nil)
				if p.hello.Token != "token-2" {
					t.Errorf("tried %s", p.hello.Token)
				}
				// Later it may be refused again, and again one other is tried.
				time.Sleep(time.Hour)
				p.closeWith(code)
				e.welcomed(nil)
			})
		})
		t.Run(code.String()+", another does not", func(t *testing.T) {
			virtual(t, func(c *client.Config) { c.Token = tokens() }, func(e *edge) {
				for range 2 {
					p := e.accept()
					expect[*wire.Hello](p)
					p.closeWith(code)
				}
				var closed *client.CloseError
				if err := e.returned(); !errors.As(err, &closed) || closed.Code != code {
					t.Errorf("Run = %v", err)
				}
			})
		})
	}
}

func TestTokenIsRenewed(t *testing.T) {
	virtual(t, func(c *client.Config) { c.Token = tokens() }, func(e *edge) {
		p := e.welcomed(nil)
		expired := &wire.GoAway{Body: &wirepb.GoAway{Cause: wirepb.GoAway_CAUSE_TOKEN_EXPIRED, GraceMs: 30_000}}
		p.send(expired)
		if tok := expect[*wire.Token](p); tok.Body.Token != "token-2" {
			t.Errorf("renewed with %s", tok.Body.Token)
		}
		// An edge that asks all the time is not heard.
		for range 100 {
			p.send(expired)
		}
		p.quiet(5 * time.Second)
	})
}

func TestTokenErrorIsTriedAgain(t *testing.T) {
	n := 0
	virtual(t, func(c *client.Config) {
		c.Token = func(context.Context) (string, error) {
			if n++; n < 3 {
				return "", errors.New("offline")
			}
			return "token", nil
		}
	}, func(e *edge) { e.welcomed(nil) })
}

// A connection that ends without a word is spread as Welcome advised.
func TestVanishedEdge(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		var waits []time.Duration
		for range 20 {
			p := e.welcomed(&wirepb.Welcome{ReconnectSpreadMs: 60_000})
			time.Sleep(2 * time.Minute)
			p.conn.(*memtransport.Conn).Reset()
			start := time.Now()
			p = e.accept()
			waits = append(waits, time.Since(start))
			if end := expect[*wire.Hello](p).Body.Last.GetEnd(); end != wirepb.LastConnection_END_RESET {
				t.Errorf("reported %s", end)
			}
			p.welcome(nil)
			synctest.Wait()
			time.Sleep(2 * time.Minute)
			p.closeWith(wire.CloseIdle)
		}
		slices.Sort(waits)
		if waits[19] > 60*time.Second || waits[19] < 20*time.Second || waits[0] > 40*time.Second {
			t.Errorf("waited %s to %s of 60 s", waits[0], waits[19])
		}
	})
}

func TestBackoff(t *testing.T) {
	var mu sync.Mutex
	var dials []time.Time
	virtual(t, func(c *client.Config) {
		c.Dial = func(context.Context, transport.Kind, string) (transport.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			dials = append(dials, time.Now())
			return nil, errors.New("no route")
		}
	}, func(e *edge) {
		time.Sleep(24 * time.Hour)
		if s := e.lastState(); s.Phase != client.PhaseWaiting || s.Err == nil {
			t.Errorf("state %+v", s)
		}
		mu.Lock()
		defer mu.Unlock()
		most := time.Second
		for i := 1; i < len(dials); i++ {
			if wait := dials[i].Sub(dials[i-1]); wait > most {
				t.Errorf("wait %d took %s, at most %s", i, wait, most)
			}
			most = min(2*most, 5*time.Minute)
		}
		// On average half of 5 min.
		if n := len(dials); n < 400 || n > 900 {
			t.Errorf("%d attempts in a day", n)
		}
	})
}

// An edge that takes connections and drops them is backed off from, too.
func TestShortLivedConnectionsBackOff(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		start := time.Now()
		for range 30 {
			e.welcomed(nil).closeWith(wire.CloseIdle)
		}
		if took := time.Since(start); took < 10*time.Minute {
			t.Errorf("30 connections in %s", took)
		}
	})
}

func TestGoAwayMoves(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		old := e.welcomed(nil)
		answered := make(chan error, 1)
		go func() {
			_, err := e.client.Request(context.Background(), "echo", "slow", nil)
			answered <- err
		}()
		request := expect[*wire.Request](old)
		start := time.Now()
		old.send(&wire.GoAway{Body: &wirepb.GoAway{SpreadMs: 20_000, GraceMs: 90_000}})
		moved := e.accept()
		if waited := time.Since(start); waited > 20*time.Second {
			t.Errorf("moved after %s", waited)
		}
		// Until the new one is welcomed, the old one serves.
		old.send(notify(1, 7))
		old.sync("messages", 0, &wirepb.SyncResponse{Items: items(7), Head: 7})
		old.expectAck(7)
		expect[*wire.Hello](moved)
		moved.welcome(&wirepb.Welcome{Epoch: 2})
		synctest.Wait()
		// What is under way on the old one is still answered there.
		old.send(&wire.Response{ID: request.ID})
		if err := <-answered; err != nil {
			t.Errorf("Request = %v", err)
		}
		old.gone()
		e.client.SetBackground(true)
		expect[*wire.State](moved)
		if s := e.lastState(); s.Epoch != 2 || s.Phase != client.PhaseConnected {
			t.Errorf("state %+v", s)
		}
	})
}

func TestGoAwayOldIsSuperseded(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		old := e.welcomed(nil)
		old.send(&wire.GoAway{Body: &wirepb.GoAway{SpreadMs: 1000, GraceMs: 90_000}})
		moved := e.accept()
		expect[*wire.Hello](moved)
		old.closeWith(wire.CloseSuperseded)
		synctest.Wait()
		moved.welcome(nil)
		moved.quiet(time.Minute)
	})
}

// The move's Hello took effect, its Welcome was lost: the device must not take
// itself for another one.
func TestGoAwaySupersededByAFailedMove(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		old := e.welcomed(nil)
		old.send(&wire.GoAway{Body: &wirepb.GoAway{SpreadMs: 1000, GraceMs: 90_000}})
		moved := e.accept()
		expect[*wire.Hello](moved)
		moved.conn.(*memtransport.Conn).Reset()
		synctest.Wait()
		old.closeWith(wire.CloseSuperseded)
		e.welcomed(nil)
	})
}

func TestGoAwayMoveFails(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		old := e.welcomed(nil)
		e.listener.Refuse(true)
		old.send(&wire.GoAway{Body: &wirepb.GoAway{SpreadMs: 1000, GraceMs: 600_000}})
		time.Sleep(time.Minute)
		old.send(notify(1, 7)) // still served
		old.sync("messages", 0, &wirepb.SyncResponse{Items: items(7), Head: 7})
		old.expectAck(7)
		e.listener.Refuse(false)
		e.welcomed(nil)
		old.gone()
	})
}
