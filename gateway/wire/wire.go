// Package wire is hawser's protocol between a device and an edge, version 1.
package wire

// ALPN is the protocol's name in TLS, on TCP and on QUIC.
const ALPN = "hawser/1"
