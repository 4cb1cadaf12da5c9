package table

import (
	"errors"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// DumpPart is one part of an edge's dump: a linkpb.SessionDump. It is read
// without an allocation a session, since a router that starts takes in
// millions of them.
type DumpPart struct {
	Edge        string
	Incarnation int64
	// Seq is the number of the last batch that the dump includes.
	Seq uint64
	// ID names the request, Part is the part's number from 0.
	ID       uint64
	Part     uint32
	Last     bool
	sessions []told
}

// Sessions returns the number of sessions in the part.
func (p *DumpPart) Sessions() int { return len(p.sessions) }

// Every reports whether ok holds for the tenant of each session.
func (p *DumpPart) Every(ok func(tenant string) bool) bool {
	for i := range p.sessions {
		if !ok(p.sessions[i].device.Tenant) {
			return false
		}
	}
	return true
}

// errDump is returned for what is no dump.
var errDump = errors.New("malformed session dump")

// The numbers of the fields, as in link.proto.
const (
	dumpEdge, dumpIncarnation, dumpSeq, dumpSessions, dumpPart, dumpLast, dumpID = 1, 2, 3, 4, 5, 6, 7

	sessionConn, sessionTenant, sessionUser, sessionDevice, sessionEpoch, sessionBackground, sessionPlatform = 1, 2, 3, 4, 5, 6, 7
)

// Parse reads a part, in place of what p held. The names are cut from one
// copy of data. It takes what proto.Unmarshal takes, and names that are not
// UTF-8.
func (p *DumpPart) Parse(data []byte) error {
	*p = DumpPart{sessions: p.sessions[:0]}
	text := string(data)
	for at := 0; at < len(data); {
		f, n := field(data[at:])
		if n < 0 {
			return errDump
		}
		at += n
		if !p.set(f, text[at-len(f.bytes):at]) {
			return errDump
		}
	}
	return nil
}

func (p *DumpPart) set(f value, text string) bool {
	switch f.key {
	case key(dumpEdge, protowire.BytesType):
		p.Edge = strings.Clone(text)
	case key(dumpIncarnation, protowire.VarintType):
		p.Incarnation = int64(f.number)
	case key(dumpSeq, protowire.VarintType):
		p.Seq = f.number
	case key(dumpSessions, protowire.BytesType):
		return p.session(f.bytes, text)
	case key(dumpPart, protowire.VarintType):
		p.Part = uint32(f.number)
	case key(dumpLast, protowire.VarintType):
		p.Last = f.number != 0
	case key(dumpID, protowire.VarintType):
		p.ID = f.number
	}
	return true
}

func (p *DumpPart) session(data []byte, text string) bool {
	p.sessions = append(p.sessions, told{})
	s := &p.sessions[len(p.sessions)-1]
	for at := 0; at < len(data); {
		f, n := field(data[at:])
		if n < 0 {
			return false
		}
		at += n
		s.set(f, text[at-len(f.bytes):at])
	}
	return true
}

func (s *told) set(f value, text string) {
	switch f.key {
	case key(sessionConn, protowire.VarintType):
		s.conn = f.number
	case key(sessionTenant, protowire.BytesType):
		s.device.Tenant = text
	case key(sessionUser, protowire.BytesType):
		s.device.User = text
	case key(sessionDevice, protowire.BytesType):
		s.device.Device = text
	case key(sessionEpoch, protowire.VarintType):
		s.epoch = int64(f.number)
	case key(sessionBackground, protowire.VarintType):
		s.background = f.number != 0
	case key(sessionPlatform, protowire.BytesType):
		s.platform = text
	}
}

// value is a field of a message: a number, or bytes, by its key.
type value struct {
	key    uint64
	number uint64
	bytes  []byte
}

// key is a field's number and type as they stand before its value.
func key(number uint64, t protowire.Type) uint64 { return number<<3 | uint64(t) }

// field reads the field that data begins with, and returns its length, or a
// negative one. The bytes of a field are its last.
func field(data []byte) (f value, n int) {
	if f.key, n = varint(data); n < 0 {
		return f, n
	}
	num, t := protowire.DecodeTag(f.key)
	if num < protowire.MinValidNumber {
		return f, -1
	}
	var m int
	switch t {
	case protowire.VarintType:
		f.number, m = varint(data[n:])
	case protowire.BytesType:
		f.bytes, m = block(data[n:])
	default:
		m = protowire.ConsumeFieldValue(num, t, data[n:])
	}
	if m < 0 {
		return f, m
	}
	return f, n + m
}

// varint is protowire.ConsumeVarint, quicker for one byte.
func varint(data []byte) (v uint64, n int) {
	if len(data) > 0 && data[0] < 0x80 {
		return uint64(data[0]), 1
	}
	return protowire.ConsumeVarint(data)
}

// block is protowire.ConsumeBytes, quicker for fewer than 128.
func block(data []byte) (v []byte, n int) {
	if len(data) > 0 && data[0] < 0x80 && int(data[0]) < len(data) {
		n = 1 + int(data[0])
		return data[1:n], n
	}
	return protowire.ConsumeBytes(data)
}
