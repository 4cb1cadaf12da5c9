// Package demo tells hawser's whole story in half a minute and checks every
// step of it: a fleet of real processes on loopback, an embedded NATS server,
// simulators of APNs and FCM, and devices that use the client library.
//
// The account at the end is drawn from what the devices were handed, what the
// providers received and what the stream holds, and from nothing that hawser
// says about itself.
package demo
