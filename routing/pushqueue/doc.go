// Package pushqueue keeps the push jobs: routers store them in the stream
// PUSH, push workers consume them.
//
// A job means "this device may have something newer of this kind": at most
// one waits for a device and kind. A newer job takes the place of an older
// one and never the other way round, whichever router comes last. Version,
// token and presence are read when the push is made, so a job that is
// delivered twice does no harm, and neither does the acknowledgement of one
// that was replaced.
//
// A job that must not be pushed before some time stands apart from those that
// are due, where it takes no place from them: see Delivery.Hold. A newer job
// takes its place there, and keeps the time. One that is given up is kept as a
// dead letter: see Letter.
//
// Several workers share the queue, which gives each job to whoever asks. So that
// two jobs of a device are never in two hands, each device has one worker, which
// all find out by themselves from beats over core NATS: whoever is given a job
// of another's device passes it on. That costs a message and its answer, and no
// write; a claim on each job would cost a round trip to the stream's replicas,
// and a consumer with a lease for each share of the devices other subjects and
// more groups of replicas. A worker that dies is done without after 6 s; what it
// had in hand comes back after the consumer's AckWait. One that stood still or
// was cut off knows that it is out before the others take over.
package pushqueue
