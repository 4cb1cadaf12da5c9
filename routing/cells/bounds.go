package cells

import "time"

const (
	// DefaultNetworks is how many networks the bucket holds unless the
	// configuration says otherwise.
	DefaultNetworks = 1 << 16
	// MaxValue bounds a cell of the bucket, in bytes: a snapshot and maxShares
	// shares are less.
	MaxValue = 4 << 10

	// batchCells bounds the deltas of one request, pageCells and pageBytes the
	// sums of an answer. All are far below NATS' 1 MiB.
	batchCells = 256
	pageCells  = 256
	pageBytes  = 256 << 10
	// maxRequest bounds a request in bytes.
	maxRequest = 512 << 10
	// roundPages bounds the pages that an edge asks for in one round, but for
	// the first one.
	roundPages = 16
	// pagePause lets others ask between two pages.
	pagePause = 20 * time.Millisecond

	// maxShares bounds the edges that a cell remembers.
	maxShares = 64
	// maxShare bounds an edge's part of a cell, in connections.
	maxShare = 256
	// leastEvidence, in connections, is not worth a write.
	leastEvidence = 0.01
	// shareHalfLife is how fast an edge's part of a cell loses its weight: as
	// fast as the cell.
	shareHalfLife = 36 * time.Hour

	// shortest is the shortest silence that can show anything.
	shortest = 25 * time.Second
	// leastSessions is what an edge is taken to have at least: devices come and
	// go faster than routers count, and each says how its last connection ended.
	leastSessions = 100
	// saved is for how long what an edge may say is kept for it, and newAnHour
	// how many networks it may add to the bucket in an hour.
	saved     = time.Hour
	newAnHour = 2000
	// changesAnHour is of how many networks an edge may say in an hour that they
	// have changed, so that what others know is taken back.
	changesAnHour = 240
	// requestsPerSecond bounds what an edge may ask of a router, of which burst
	// may come at once: an edge that knows nothing asks for 256 pages.
	requestsPerSecond = 20
	requestsBurst     = 600
	// maxEdges bounds the edges that a router keeps account of.
	maxEdges = 4096

	// evictAfter is for how long nothing was heard of a network that has to
	// make room.
	evictAfter = 24 * time.Hour
	// ahead is by how much a sum's date may be ahead of the clock.
	ahead = time.Minute

	// attempts bounds how often a delta is tried while others write its cell.
	attempts = 8
	// writers is how many cells of a batch are written at once.
	writers = 8
	// requestQueue bounds the requests that wait, requestWorkers those in work.
	requestQueue   = 256
	requestWorkers = 4
	// requestTime bounds the work on one request.
	requestTime = 4 * time.Second
)
