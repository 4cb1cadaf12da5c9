package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
)

// A resume ticket is a version byte, the epoch it was handed out with, and a
// MAC over both and over whose it is. It proves the epoch of a device's last
// session, so that its next one is above it even where the clocks of two edges
// disagree. It is not a credential: it opens nothing.
const (
	ticketVersion = 1
	ticketBody    = 1 + 8
	ticketMAC     = 16
	minTicketKey  = 32
)

// maxAhead is how far an epoch may be ahead of the clock before routers refuse
// it.
const maxAhead = 2 * time.Second

func newTicket(key []byte, id token.Identity, epoch int64) []byte {
	b := make([]byte, 0, ticketBody+sha256.Size)
	b = append(b, ticketVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(epoch))
	return ticketSum(key, id, b)
}

// ticketSum appends the MAC to a ticket's body.
func ticketSum(key []byte, id token.Identity, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("hawser resume ticket"))
	mac.Write(body)
	for _, s := range []string{id.Tenant, id.User, id.Device} {
		// Lengths keep ("ab", "c") apart from ("a", "bc").
		mac.Write([]byte{byte(len(s))})
		mac.Write([]byte(s))
	}
	return mac.Sum(body)[:len(body)+ticketMAC]
}

// previousEpoch returns the epoch in a ticket of this device, or 0 for any
// other ticket: forged, of another key, of another version.
func previousEpoch(key []byte, id token.Identity, ticket []byte) int64 {
	if len(ticket) != ticketBody+ticketMAC || ticket[0] != ticketVersion {
		return 0
	}
	body := ticket[:ticketBody:ticketBody]
	if !hmac.Equal(ticketSum(key, id, body), ticket) {
		return 0
	}
	return int64(binary.BigEndian.Uint64(body[1:]))
}

// nextEpoch is the epoch of a session that begins now, after one that had the
// epoch previous. A previous one that routers would have refused as too far
// ahead has no session, and is not followed: a device that once met an edge
// with a wrong clock would be shut out until that time came.
func nextEpoch(now time.Time, previous int64) int64 {
	ms := now.UnixMilli()
	if previous >= ms+maxAhead.Milliseconds() {
		return ms
	}
	return max(ms, previous+1)
}
