package main

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// HearCall has connections listen at the process that is bare.
type HearCall struct {
	Addr  string
	Plain bool // without TLS
	Count int  // of all workers
	Rate  float64
	Start time.Time
}

// hear returns when all connections are there. They end with the worker.
func (w *worker) hear(c HearCall) error {
	var wg sync.WaitGroup
	errs := make(chan error, c.Count)
	for n := w.plan.Number; n < c.Count; n += w.plan.Workers {
		if !sleep.For(w.ctx, time.Until(c.Start.Add(time.Duration(float64(n)/c.Rate*float64(time.Second))))) {
			break
		}
		wg.Go(func() {
			conn, err := w.dialBare(c, n)
			if err != nil {
				errs <- err
				return
			}
			context.AfterFunc(w.ctx, func() { _ = conn.Close() })
			w.devices.Go(func() { acknowledge(conn) })
		})
	}
	wg.Wait()
	close(errs)
	return <-errs
}

func (w *worker) dialBare(c HearCall, number int) (io.ReadWriteCloser, error) {
	ctx, cancel := context.WithTimeout(w.ctx, attemptTimeout)
	defer cancel()
	if !c.Plain {
		return w.dialer.dialTCP(ctx, c.Addr, number)
	}
	d := net.Dialer{KeepAlive: -1}
	if from := w.dialer.source(number); from != nil {
		d.LocalAddr = &net.TCPAddr{IP: from}
	}
	return d.DialContext(ctx, "tcp", c.Addr)
}

// acknowledge answers all news, each by itself.
func acknowledge(conn io.ReadWriter) {
	var news [newsLength]byte
	var ack [ackLength]byte
	for {
		if _, err := io.ReadFull(conn, news[:]); err != nil {
			return
		}
		if _, err := conn.Write(ack[:]); err != nil {
			return
		}
	}
}
