package wire

import "strconv"

// CloseCode says why an edge ends a connection: 3000 to 3499, connect again;
// 3500 to 3999, not before the application has acted. A device treats a code
// it does not know by its range.
type CloseCode uint16

const (
	minCloseCode = 3000
	maxCloseCode = 3999
	// firstFinal is the first of the codes after which a device does not
	// connect by itself.
	firstFinal = 3500
)

// The codes of version 1.
const (
	CloseShutdown     CloseCode = 3000 // the edge stops
	CloseIdle         CloseCode = 3001 // no frame came within the deadline
	CloseHelloTimeout CloseCode = 3002 // no Hello came in time
	CloseBusy         CloseCode = 3003 // the edge is full
	CloseTooSlow      CloseCode = 3004 // the device does not read
	CloseRateLimited  CloseCode = 3005 // the device sends too much
	CloseInternal     CloseCode = 3006 // a fault of the edge
	CloseClock        CloseCode = 3007 // the session's epoch was refused

	CloseUnauthenticated  CloseCode = 3500 // the token is bad or forged
	CloseTokenExpired     CloseCode = 3501 // the token has expired
	CloseSuperseded       CloseCode = 3502 // a newer session of this device took over
	CloseProtocol         CloseCode = 3503 // a malformed or unexpected frame
	CloseFrameTooLarge    CloseCode = 3504 // a payload above the limit
	CloseLoggedOut        CloseCode = 3505 // the answer to Bye with logout: the record is removed
	ClosePermissionDenied CloseCode = 3506 // the token is good, the tenant or user is not let in
	CloseRemoved          CloseCode = 3507 // the backend disconnected the device
	CloseBye              CloseCode = 3508 // the answer to a plain Bye
)

// Reconnect reports whether a device connects again by itself after c.
func (c CloseCode) Reconnect() bool { return c >= minCloseCode && c < firstFinal }

// texts returns the name and the advice of a code, known or not.
func (c CloseCode) texts() (name, advice string) {
	switch c {
	case CloseShutdown:
		return "shutdown", "connect again within the reconnect spread"
	case CloseIdle:
		return "idle", "connect again at once and report the gap in Hello"
	case CloseHelloTimeout:
		return "hello timeout", "connect again and send Hello as the first frame"
	case CloseBusy:
		return "busy", "connect again at the slot if one was given, else with back-off, to another edge if there is one"
	case CloseTooSlow:
		return "too slow", "connect again and read without pause"
	case CloseRateLimited:
		return "rate limited", "connect again with back-off and send less"
	case CloseInternal:
		return "internal", "connect again with back-off"
	case CloseClock:
		return "clock", "connect again with back-off, to another edge if there is one"
	case CloseUnauthenticated:
		return "unauthenticated", "get a new token from the application's backend, then connect"
	case CloseTokenExpired:
		return "token expired", "get a new token from the application's backend, then connect"
	case CloseSuperseded:
		return "superseded", "leave the connection to the newer session of this device"
	case CloseProtocol:
		return "protocol", "report it: device and edge do not speak the same protocol"
	case CloseFrameTooLarge:
		return "frame too large", "send smaller frames; Welcome has the limit"
	case CloseLoggedOut:
		return "logged out", "connect when a user logs in"
	case ClosePermissionDenied:
		return "permission denied", "ask the tenant's operator for access"
	case CloseRemoved:
		return "removed", "connect when the application asks for it"
	case CloseBye:
		return "bye", "connect when the application asks for it"
	}
	if c.Reconnect() {
		return "code " + strconv.Itoa(int(c)), "connect again with back-off"
	}
	return "code " + strconv.Itoa(int(c)), "do not connect before the application acts"
}

// String returns the code's name, or its number if it is unknown.
func (c CloseCode) String() string {
	name, _ := c.texts()
	return name
}

// Advice says what the device shall do, for people who read its log.
func (c CloseCode) Advice() string {
	_, advice := c.texts()
	return advice
}
