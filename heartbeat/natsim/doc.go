// Package natsim shows what an engine of heartbeats is worth: it lets worlds of
// devices and NATs pass in simulated time, under hawser's engine, under others,
// and under an oracle that knows every timeout.
//
// The worlds are files of JSON, made definite by a seed. The simulation owns
// the truth: what each NAT keeps, whether it answers beats of connections that
// it has forgotten, when devices move, lose coverage, are notified, or lie. The
// engine hears of it only what an edge hears. See README.md.
package natsim
