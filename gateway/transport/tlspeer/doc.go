// Package tlspeer is a client of TLS 1.3 for tests that do what no library
// lets them do: records of any size and padding, cut anywhere and sent when the
// test likes, key updates, alerts, and bytes that are no record at all.
//
// The handshake is that of crypto/tls. Afterwards the records are made here,
// from the secrets that crypto/tls tells for key logs. It is made for
// TLS_AES_128_GCM_SHA256, which crypto/tls chooses on every machine that has
// instructions for AES.
package tlspeer
