package wire

import "time"

const (
	// MaxPayload is the greatest length of a frame's payload, in bytes. An
	// edge may allow less, and says so in Welcome.
	MaxPayload = 64 << 10

	// MaxHelloPayload is the greatest length of a payload before Hello is
	// accepted: whoever has not shown a token gets little memory.
	MaxHelloPayload = 8 << 10

	// MaxBody is the greatest length of the body of a Request or a Response,
	// in bytes. A frame with such a body fits into MaxPayload whatever its
	// other fields hold.
	MaxBody = MaxPayload - 512

	// MaxText is the greatest length of a Response's message and of a
	// Close's reason, in bytes of UTF-8.
	MaxText = 256

	// MaxKinds is how many kinds a tenant may have, and so how many entries
	// Welcome, Hello and Ping may list.
	MaxKinds = 64

	// MaxVersion is the greatest version. It is the greatest integer that a
	// double holds exactly, because many a device's language has no other
	// number.
	MaxVersion int64 = 1<<53 - 1

	// maxDuration bounds every time on the wire. It is far above what anyone
	// needs and keeps sums of two of them far from overflow.
	maxDuration = 7 * 24 * time.Hour
)
