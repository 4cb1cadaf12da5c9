package wire

import "strconv"

// Type is the first byte of a frame.
type Type uint8

// The types of version 1. A device sends the first group, an edge the second.
const (
	TypeHello   Type = 0x01
	TypePing    Type = 0x02
	TypeAck     Type = 0x03
	TypeRequest Type = 0x04
	TypeNetwork Type = 0x05
	TypeState   Type = 0x06
	TypeToken   Type = 0x07
	TypeBye     Type = 0x08

	TypeWelcome  Type = 0x41
	TypePong     Type = 0x42
	TypeNotify   Type = 0x43
	TypeProbe    Type = 0x44
	TypeResponse Type = 0x45
	TypeGoAway   Type = 0x46
	TypeClose    Type = 0x47
)

// fromEdge is the bit that tells an edge's types from a device's.
const fromEdge Type = 0x40

// FromDevice reports whether frames of this type, known or not, are sent by
// devices.
func (t Type) FromDevice() bool { return t&fromEdge == 0 }

// String returns the type's name, or its number if it is unknown.
func (t Type) String() string {
	switch t {
	case TypeHello:
		return "Hello"
	case TypePing:
		return "Ping"
	case TypeAck:
		return "Ack"
	case TypeRequest:
		return "Request"
	case TypeNetwork:
		return "Network"
	case TypeState:
		return "State"
	case TypeToken:
		return "Token"
	case TypeBye:
		return "Bye"
	case TypeWelcome:
		return "Welcome"
	case TypePong:
		return "Pong"
	case TypeNotify:
		return "Notify"
	case TypeProbe:
		return "Probe"
	case TypeResponse:
		return "Response"
	case TypeGoAway:
		return "GoAway"
	case TypeClose:
		return "Close"
	default:
		return "type 0x" + strconv.FormatUint(uint64(t), 16)
	}
}
