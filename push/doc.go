// Package push wakes devices that no live session reaches, through the
// platforms' push services.
//
// It is level-triggered. A job does not say "send this notification"; it says
// "this device may have something newer of this kind". Whether a push is still
// needed, to which token it goes and which version it names are read at the
// moment of sending, so that a burst of events becomes one push and a device
// that came back in between gets none.
//
// A job's way through the Worker:
//
//	Handle   gather 1 s per (tenant, user, device, kind), newest job kept
//	examine  the device's record: no token, no push
//	         last pushed version: already told, no push
//	         presence: acknowledged, no push; notified just now or fetching,
//	                   ask again
//	         head: the newest version and what its publisher wants shown
//	send     through the application's Provider, bounded per application
//	settle   by the Verdict: done, retry later, drop the token, pause, dead
//
// A job is resolved exactly once, through its Delivery. Losing a job is worse
// than sending twice: whatever the worker cannot find out ends in a push, not
// in silence. Repeats carry the same message id and the same hawser payload,
// so that the application can drop what it has.
//
// This package knows no provider and no broker. Package apns and package fcm
// implement Provider; what the worker asks of the rest of the system it
// declares as small interfaces (Presence, Records, Heads, Events, Policy).
package push
