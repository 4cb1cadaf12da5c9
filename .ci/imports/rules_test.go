// Package imports holds the repository's import arrows: which package may
// import which. Run it with
//
//	go test -count=1 ./.ci/imports
//
// It has to be named, because the go tool skips folders that begin with a dot.
package imports

// module is the path before every package of the repository.
const module = "github.com/hawser-edge/hawser/"

// layer is a height; arrows point down only.
type layer int

const (
	ground layer = iota
	leaf
	carry
	logic
	serve
	assemble
	program
)

func (l layer) String() string {
	return [...]string{"ground", "leaf", "carry", "logic", "serve", "assemble", "main"}[l]
}

// part is what may import its own packages freely.
type part struct {
	layer layer
	name  string
	// paths are packages; a path that ends in /... takes in those below.
	paths []string
}

// parts holds every package of the repository. A new one gets its place here
// first.
var parts = []part{
	{program, "gateway", []string{"gateway", "gateway/demo/...", "deploy/..."}},
	{program, "loadtest", []string{"loadtest/..."}},
	{program, "faulttest", []string{"routing/faulttest/..."}},
	{program, "ratetest", []string{"routing/ratetest/..."}},
	{program, "netlab", []string{"heartbeat/netlab/..."}},
	{program, "killtest", []string{"push/killtest/..."}},

	{assemble, "node", []string{"gateway/node/..."}},

	{serve, "admin", []string{"gateway/admin/..."}},

	{logic, "session", []string{"gateway/session/..."}},
	{logic, "client", []string{"gateway/client/..."}},
	{logic, "rawdevice", []string{"gateway/rawdevice"}},
	{logic, "service", []string{"routing/service/..."}},

	{carry, "transport", []string{"gateway/transport/..."}},
	{carry, "routing", []string{"routing/..."}},
	{carry, "apns", []string{"push/apns"}},
	{carry, "fcm", []string{"push/fcm"}},
	{carry, "providertest", []string{"push/providertest"}},

	{leaf, "wire", []string{"gateway/wire", "gateway/wire/wirepb"}},
	{leaf, "token", []string{"gateway/token"}},
	{leaf, "config", []string{"gateway/config"}},
	{leaf, "memory", []string{"gateway/memory"}},
	{leaf, "leak", []string{"gateway/leak"}},
	{leaf, "admission", []string{"gateway/admission"}},
	{leaf, "heartbeat", []string{"heartbeat/..."}},
	{leaf, "push", []string{"push"}},
	{leaf, "h2conn", []string{"push/h2conn"}},
	{leaf, "devicelimit", []string{"push/devicelimit"}},
	{leaf, "pushtest", []string{"push/pushtest/..."}},

	{ground, "metric", []string{"gateway/metric/..."}},
	{ground, "reminder", []string{"gateway/reminder"}},
	{ground, "sleep", []string{"gateway/sleep"}},
}

// strangers are parts of which none imports another, whatever their layers,
// not even in tests: each declares the interfaces that it needs, and node
// joins them.
var strangers = [][]string{
	{"session"},
	{"routing"},
	{"push", "apns", "fcm", "h2conn", "devicelimit", "providertest"},
}

// onlyOurs lists parts that import of the repository, outside their tests,
// nothing but these packages and their own.
var onlyOurs = map[string][]string{
	"client":   {"gateway/wire", "gateway/wire/wirepb", "gateway/transport"},
	"pushtest": {},
	// Fleets of devices are to know the protocol, and no more of the server.
	"rawdevice": {"gateway/wire", "gateway/wire/wirepb"},
	"service":   {"routing", "gateway/wire", "gateway/wire/wirepb", "gateway/token"},
}

// without lists modules of others that a part does not contain, not even
// through others.
var without = map[string][]string{
	"client":    {nats, natsServer, prometheus, firebase, apns2},
	"transport": {nats, natsServer, prometheus, firebase, apns2},
	"wire":      {nats, natsServer, prometheus, firebase, apns2},
	"heartbeat": {nats, natsServer, prometheus, firebase, apns2},
	"session":   {nats, natsServer, firebase, apns2},
	"routing":   {firebase, apns2},
	"service":   {natsServer, prometheus, firebase, apns2},
}

// importers lists modules of others with the one part that imports them, in
// tests too.
var importers = map[string]string{
	apns2:    "apns",
	firebase: "fcm",
}

const (
	nats       = "github.com/nats-io/nats.go"
	natsServer = "github.com/nats-io/nats-server"
	prometheus = "github.com/prometheus/client_golang"
	firebase   = "firebase.google.com/go"
	apns2      = "github.com/sideshow/apns2"
)
