package admission

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

// A slot is a version byte, when it is (ms since 1970), a number that tells it
// from others of that instant, and a MAC over all that and over whose it is.
const (
	slotVersion = 1
	slotBody    = 1 + 8 + 8
	slotMAC     = 16
)

// slotKey derives the key of slots from a secret of the fleet.
func slotKey(fleetKey []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, fleetKey, nil, "hawser slot v1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("admission: derive the key of slots: %w", err)
	}
	return key, nil
}

func newSlot(key []byte, who string, at time.Time, number uint64) []byte {
	b := make([]byte, 0, slotBody+sha256.Size)
	b = append(b, slotVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, number)
	return slotSum(key, who, b)
}

// slotSum appends the MAC to a slot's body.
func slotSum(key []byte, who string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	mac.Write([]byte(who))
	return mac.Sum(body)[:len(body)+slotMAC]
}

// readSlot returns when a slot is, and what it is remembered by; false for
// anything that is no slot of this device and fleet.
func readSlot(key []byte, who string, slot []byte) (at time.Time, id uint64, ok bool) {
	if len(slot) != slotBody+slotMAC || slot[0] != slotVersion {
		return at, 0, false
	}
	body := slot[:slotBody:slotBody]
	if !hmac.Equal(slotSum(key, who, body), slot) {
		return at, 0, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(body[1:]))), binary.BigEndian.Uint64(slot[slotBody:]), true
}
