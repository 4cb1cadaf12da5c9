package tlspeer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

// ErrSuite says that another cipher suite was chosen than this package knows.
var ErrSuite = errors.New("tlspeer: the server did not choose TLS_AES_128_GCM_SHA256, which this machine may be slow at")

// AlertError is an alert of the server that is not close_notify.
type AlertError byte

// Error implements error.
func (a AlertError) Error() string { return fmt.Sprintf("tlspeer: alert %d", byte(a)) }

// Conn is the client's end of a connection. One goroutine may make records
// while another reads.
type Conn struct {
	raw    net.Conn
	out    *half
	in     *half
	reader *bufio.Reader
	rest   []byte // read and not yet handed out
}

// Client makes the handshake on raw, which it does not close. The
// configuration is not changed.
func Client(ctx context.Context, raw net.Conn, config *tls.Config) (*Conn, error) {
	var log bytes.Buffer
	config = config.Clone()
	config.KeyLogWriter = &log
	tc := tls.Client(raw, config)
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	if tc.ConnectionState().CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		return nil, ErrSuite
	}
	out, err := secretIn(log.String(), "CLIENT_TRAFFIC_SECRET_0")
	if err != nil {
		return nil, err
	}
	in, err := secretIn(log.String(), "SERVER_TRAFFIC_SECRET_0")
	if err != nil {
		return nil, err
	}
	return &Conn{raw: raw, out: newHalf(out), in: newHalf(in), reader: bufio.NewReader(raw)}, nil
}

// secretIn finds a secret in a key log.
func secretIn(log, label string) ([]byte, error) {
	for line := range strings.Lines(log) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == label {
			return hex.DecodeString(f[2])
		}
	}
	return nil, fmt.Errorf("tlspeer: crypto/tls did not tell %s", label)
}

// Record makes a record, at most MaxRecord bytes of content and padding. The
// server has to get the records in the order in which they are made.
func (c *Conn) Record(typ byte, content []byte, padding int) []byte {
	return c.out.seal(typ, content, padding)
}

// KeyUpdate makes the record behind which this end's keys are others. Asked,
// the server changes its own too.
func (c *Conn) KeyUpdate(ask bool) []byte {
	message := []byte{keyUpdate, 0, 0, 1, 0}
	if ask {
		message[4] = 1
	}
	record := c.out.seal(Handshake, message, 0)
	c.out.update()
	return record
}

// CloseNotify makes the record that ends this direction.
func (c *Conn) CloseNotify() []byte { return c.out.seal(Alert, []byte{1, 0}, 0) }

// Write sends p in records of full size.
func (c *Conn) Write(p []byte) (n int, err error) {
	for n < len(p) {
		piece := p[n:min(len(p), n+MaxRecord)]
		if _, err := c.raw.Write(c.Record(Data, piece, 0)); err != nil {
			return n, err
		}
		n += len(piece)
	}
	return n, nil
}

// Read reads what the server sends. After close_notify its error is io.EOF;
// without one it is io.ErrUnexpectedEOF.
func (c *Conn) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// next takes up a record.
func (c *Conn) next() error {
	record := make([]byte, header)
	if _, err := io.ReadFull(c.reader, record); err != nil {
		return ended(err)
	}
	record = append(record, make([]byte, binary.BigEndian.Uint16(record[3:]))...)
	if _, err := io.ReadFull(c.reader, record[header:]); err != nil {
		return ended(err)
	}
	if record[0] != Data {
		return errRecord
	}
	typ, content, err := c.in.open(record)
	switch {
	case err != nil:
		return err
	case typ == Data:
		c.rest = content
	case typ == Handshake && len(content) > 0 && content[0] == keyUpdate:
		c.in.update() // a server sends it alone in a record
	case typ == Handshake: // a session ticket
	case typ == Alert && len(content) == 2 && content[1] == 0:
		return io.EOF
	case typ == Alert && len(content) == 2:
		return AlertError(content[1])
	default:
		return errRecord
	}
	return nil
}

func ended(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
