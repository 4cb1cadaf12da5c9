package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// connecting is how many devices connect at once.
const connecting = 32

// hearDevices connects every device. The caller calls ends, which says how the
// connections did.
func hearDevices(ctx context.Context, h hearing, tell heard) (ends func() error, err error) {
	conf, err := (&devmode.Environment{Dir: h.Dir}).DeviceTLS()
	if err != nil {
		return nil, err
	}
	d := &devices{all: make([]*device, len(h.Tokens))}
	if err := d.connect(ctx, h, conf); err != nil {
		return nil, errors.Join(err, d.end())
	}
	for _, one := range d.all {
		d.listening.Go(func() { one.listen(tell) })
	}
	return d.end, nil
}

// devices are all of them.
type devices struct {
	// Static after connect.
	all []*device
	// listening are their goroutines.
	listening sync.WaitGroup
}

func (d *devices) connect(ctx context.Context, h hearing, conf *tls.Config) error {
	errs := make([]error, connecting)
	var wg sync.WaitGroup
	for w := range connecting {
		wg.Go(func() {
			for n := w; n < len(d.all) && errs[w] == nil; n += connecting {
				d.all[n], errs[w] = connectDevice(ctx, h.Edge, conf, n, h.Tokens[n])
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (d *devices) end() error {
	err := d.trouble()
	for _, one := range d.all {
		if one != nil {
			one.close()
		}
	}
	d.listening.Wait()
	return err
}

func (d *devices) trouble() error {
	for _, one := range d.all {
		if one == nil {
			continue
		}
		if err := one.failed.Load(); err != nil {
			return fmt.Errorf("the connection of %s ended: %w", userName(one.number), *err)
		}
	}
	return nil
}
