package node_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// specDevice is a device made from the specification alone. It does one thing
// after the other and is for one goroutine.
type specDevice struct {
	conn     net.Conn
	in       *bufio.Reader
	welcome  specWelcome
	versions map[string]uint64
	requests uint64
	pings    int // sent in answer to a Probe
	// notified is what came while the device waited for something else.
	notified []specNotify
}

type specNotify struct {
	kind              string
	version, previous uint64
}

// specClosed is the edge's Close.
type specClosed struct {
	code   uint64
	reason string
}

func (c *specClosed) Error() string { return fmt.Sprintf("closed with %d %q", c.code, c.reason) }

// specPatience bounds every wait of the device.
const specPatience = 15 * time.Second

func specDial(addr string, roots *x509.CertPool) (*specDevice, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: specPatience}, "tcp", addr, &tls.Config{
		RootCAs: roots, MinVersion: tls.VersionTLS13, NextProtos: []string{"hawser/1"},
	})
	if err != nil {
		return nil, err
	}
	return specOver(conn), nil
}

func specOver(conn net.Conn) *specDevice {
	return &specDevice{conn: conn, in: bufio.NewReader(conn), versions: map[string]uint64{}}
}

func (d *specDevice) send(kind byte, payload []byte) error {
	_ = d.conn.SetWriteDeadline(time.Now().Add(specPatience))
	_, err := d.conn.Write(specFrame{kind, payload}.append(nil))
	return err
}

// next returns the next frame that is not dealt with here: it skips what it
// does not know, answers Probe, keeps Notify for later and ends with Close.
func (d *specDevice) next() (specFrame, error) {
	for {
		_ = d.conn.SetReadDeadline(time.Now().Add(specPatience))
		f, err := specReadFrame(d.in)
		if err != nil {
			return f, err
		}
		fields := specFields{left: f.payload}
		switch f.kind {
		case 0x41, 0x42, 0x45, 0x46:
			return f, nil
		case 0x43:
			if err := d.keep(&fields); err != nil {
				return f, err
			}
			return f, nil
		case 0x44:
			d.pings++
			if err := d.send(0x02, nil); err != nil {
				return f, err
			}
		case 0x47:
			closed := &specClosed{fields.varint(3000, 3999), fields.text()}
			return f, errors.Join(closed, fields.err)
		default:
			if f.kind&0x40 == 0 {
				return f, fmt.Errorf("%w: type 0x%02x is a device's", errSpec, f.kind)
			}
		}
	}
}

// await returns the next frame of a type, without those that are not.
func (d *specDevice) await(kind byte) (specFrame, error) {
	for {
		f, err := d.next()
		if err != nil || f.kind == kind {
			return f, err
		}
	}
}

func (d *specDevice) keep(f *specFields) error {
	number, name := f.kind()
	n := specNotify{kind: name, version: f.varint(1, specMaxVersion), previous: f.varint(0, specMaxVarint)}
	if f.err != nil {
		return f.err
	}
	if number > uint64(len(d.welcome.kinds)) {
		return fmt.Errorf("%w: kind number %d of %d", errSpec, number, len(d.welcome.kinds))
	}
	if number > 0 {
		n.kind = d.welcome.kinds[number-1]
	}
	if n.previous >= n.version {
		n.previous = 0
	}
	d.notified = append(d.notified, n)
	return nil
}

func (d *specDevice) hello(h specHello) error {
	if err := d.send(0x01, h.frame().payload); err != nil {
		return err
	}
	f, err := d.next()
	if err != nil {
		return err
	}
	if f.kind != 0x41 {
		return fmt.Errorf("%w: type 0x%02x before Welcome", errSpec, f.kind)
	}
	d.welcome, err = specReadWelcome(f.payload)
	return err
}

// heard waits for the next Notify.
func (d *specDevice) heard() (specNotify, error) {
	for len(d.notified) == 0 {
		if _, err := d.await(0x43); err != nil {
			return specNotify{}, err
		}
	}
	n := d.notified[0]
	d.notified = d.notified[1:]
	return n, nil
}

// sync fetches everything that the device lacks of a kind.
func (d *specDevice) sync(kind string) ([]specItem, error) {
	var items []specItem
	for {
		body, err := d.request("sync", kind, specNumber(nil, 1, d.versions[kind]))
		if err != nil {
			return items, err
		}
		page, err := specReadSync(body)
		if err != nil {
			return items, err
		}
		for _, item := range page.items {
			if item.version <= d.versions[kind] {
				return items, fmt.Errorf("%w: item %d after %d", errSpec, item.version, d.versions[kind])
			}
			d.versions[kind] = item.version
		}
		items = append(items, page.items...)
		if !page.more {
			d.versions[kind] = page.head
			return items, nil
		}
	}
}

// request calls a service and waits for its answer.
func (d *specDevice) request(service, method string, body []byte) ([]byte, error) {
	d.requests++
	b := specAppendVarint(nil, d.requests)
	b = specAppendVarint(b, 5000)
	b = specAppendBytes(specAppendBytes(b, service), method)
	if err := d.send(0x04, specAppendBytes(b, body)); err != nil {
		return nil, err
	}
	f, err := d.await(0x45)
	if err != nil {
		return nil, err
	}
	fields := specFields{left: f.payload}
	id, status, message, reply := fields.varint(0, specMaxVarint), fields.varint(0, 255), fields.text(), fields.bytes()
	switch {
	case fields.err != nil:
		return nil, fields.err
	case id != d.requests:
		return nil, fmt.Errorf("%w: a response to %d, asked was %d", errSpec, id, d.requests)
	case status != 0:
		return nil, fmt.Errorf("status %d: %s", status, message)
	}
	return reply, nil
}

// ack confirms what the device has of a kind, by its number.
func (d *specDevice) ack(kind string) error {
	number := slices.Index(d.welcome.kinds, kind) + 1
	b := specAppendVarint(nil, uint64(number))
	if number == 0 {
		b = specAppendBytes(b, kind)
	}
	return d.send(0x03, specAppendVarint(b, d.versions[kind]))
}

// ping returns the interval that the edge answers with, in milliseconds.
func (d *specDevice) ping() (uint64, error) {
	if err := d.send(0x02, nil); err != nil {
		return 0, err
	}
	f, err := d.await(0x42)
	if err != nil {
		return 0, err
	}
	fields := specFields{left: f.payload}
	interval := fields.varint(0, specMaxMillis)
	return interval, fields.err
}

// bye leaves and returns the code of the edge's Close.
func (d *specDevice) bye(logOut bool) (uint64, error) {
	flags := byte(0)
	if logOut {
		flags = 1
	}
	if err := d.send(0x08, []byte{flags}); err != nil {
		return 0, err
	}
	for {
		_, err := d.next()
		var closed *specClosed
		if errors.As(err, &closed) {
			return closed.code, d.conn.Close()
		}
		if err != nil {
			return 0, err
		}
	}
}
