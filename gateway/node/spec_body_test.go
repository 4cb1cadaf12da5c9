package node_test

import (
	"encoding/binary"
	"fmt"
	"io"
)

// The protobuf bodies of the specification, by their field numbers.

// specField is one field of a protobuf message as it stands on the wire.
type specField struct {
	number uint64
	varint uint64 // of wire type 0
	bytes  []byte // of wire type 2
}

// specParseBody reads a message; fields of other wire types are left out,
// since the specification has none.
func specParseBody(b []byte) ([]specField, error) {
	var fields []specField
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, io.ErrUnexpectedEOF
		}
		b = b[n:]
		f := specField{number: key >> 3}
		skip, err := f.take(b, key&7)
		if err != nil {
			return nil, err
		}
		if key&7 == 0 || key&7 == 2 {
			fields = append(fields, f)
		}
		b = b[skip:]
	}
	return fields, nil
}

// take reads the field's value and returns its length.
func (f *specField) take(b []byte, wireType uint64) (n int, err error) {
	switch wireType {
	case 0:
		f.varint, n = binary.Uvarint(b)
		if n > 0 {
			return n, nil
		}
	case 1:
		n = 8
	case 5:
		n = 4
	case 2:
		length, at := binary.Uvarint(b)
		if at > 0 && length <= uint64(len(b)-at) {
			f.bytes = b[at : at+int(length)]
			return at + int(length), nil
		}
		return 0, io.ErrUnexpectedEOF
	default:
		return 0, fmt.Errorf("%w: protobuf wire type %d", errSpec, wireType)
	}
	if n <= 0 || n > len(b) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

// specNumber appends a varint field unless it has its default value.
func specNumber(b []byte, number int, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(number)<<3)
	return binary.AppendUvarint(b, v)
}

// specString appends a string, bytes or message field unless it is empty.
func specString[T string | []byte](b []byte, number int, v T) []byte {
	if len(v) == 0 {
		return b
	}
	return specMessage(b, number, v)
}

// specMessage appends a field that also stands where it is empty.
func specMessage[T string | []byte](b []byte, number int, v T) []byte {
	b = binary.AppendUvarint(b, uint64(number)<<3|2)
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

// specHello is what a device says of itself.
type specHello struct {
	token           string
	platform        uint64
	app, appVersion string
	radio           uint64
	networkHash     []byte
	pushToken       string
	versions        []specVersion
	last            []uint64 // the four fields of LastConnection in their order
	ticket          []byte
	background      bool
}

type specVersion struct {
	kind    string
	version uint64
}

func (h specHello) frame() specFrame {
	b := specString(nil, 1, h.token)
	b = specNumber(b, 2, h.platform)
	b = specString(b, 3, h.app)
	b = specString(b, 4, h.appVersion)
	b = specString(b, 5, specString(specNumber(nil, 1, h.radio), 2, h.networkHash))
	b = specString(b, 6, h.pushToken)
	for _, v := range h.versions {
		b = specMessage(b, 7, specNumber(specString(nil, 1, v.kind), 2, v.version))
	}
	var last []byte
	for i, v := range h.last {
		last = specNumber(last, i+1, v)
	}
	b = specString(b, 8, last)
	b = specString(b, 9, h.ticket)
	if h.background {
		b = specNumber(b, 10, 1)
	}
	return specFrame{0x01, b}
}

// specComeBack is the end of a Close; one that is wrong is as none.
type specComeBack struct {
	waitMs uint64
	slot   []byte
}

func specReadComeBack(rest []byte) (b specComeBack) {
	fields, err := specParseBody(rest)
	for _, f := range fields {
		switch f.number {
		case 1:
			b.waitMs = f.varint
		case 2:
			b.slot = f.bytes
		}
	}
	if err != nil || b.waitMs > specMaxMillis || len(b.slot) > 64 {
		return specComeBack{}
	}
	return b
}

// specWelcome is what a device has use for in a Welcome.
type specWelcome struct {
	epoch, intervalMs, spreadMs uint64
	ticket                      []byte
	limits                      [3]uint64
	kinds                       []string
	edge                        string
}

func specReadWelcome(payload []byte) (w specWelcome, err error) {
	fields, err := specParseBody(payload)
	if err != nil {
		return w, err
	}
	for _, f := range fields {
		switch f.number {
		case 1:
			w.epoch = f.varint
		case 2:
			w.intervalMs = f.varint
		case 3:
			w.ticket = f.bytes
		case 4:
			if err := w.readLimits(f.bytes); err != nil {
				return w, err
			}
		case 5:
			w.spreadMs = f.varint
		case 6:
			if !specIsID(string(f.bytes)) {
				return w, fmt.Errorf("%w: the kind %q", errSpec, f.bytes)
			}
			w.kinds = append(w.kinds, string(f.bytes))
		case 7:
			w.edge = string(f.bytes)
		}
	}
	if w.epoch < 1 || w.epoch > specMaxVersion || w.intervalMs > specMaxMillis {
		return w, fmt.Errorf("%w: epoch %d, interval %d", errSpec, w.epoch, w.intervalMs)
	}
	return w, nil
}

func (w *specWelcome) readLimits(body []byte) error {
	fields, err := specParseBody(body)
	for _, f := range fields {
		if f.number >= 1 && f.number <= 3 {
			w.limits[f.number-1] = f.varint
		}
	}
	return err
}

// specSync is the answer to a sync.
type specSync struct {
	items                        []specItem
	head                         uint64
	more, snapshotNeeded, resets bool
}

type specItem struct {
	version uint64
	data    []byte
}

func specReadSync(body []byte) (s specSync, err error) {
	fields, err := specParseBody(body)
	if err != nil {
		return s, err
	}
	for _, f := range fields {
		switch f.number {
		case 1:
			parts, err := specParseBody(f.bytes)
			if err != nil {
				return s, err
			}
			s.items = append(s.items, specReadItem(parts))
		case 2:
			s.head = f.varint
		case 3:
			s.more = f.varint != 0
		case 4:
			s.snapshotNeeded = f.varint != 0
		case 5:
			s.resets = f.varint != 0
		}
	}
	return s, nil
}

func specReadItem(fields []specField) (item specItem) {
	for _, f := range fields {
		switch f.number {
		case 1:
			item.version = f.varint
		case 2:
			item.data = f.bytes
		}
	}
	return item
}
