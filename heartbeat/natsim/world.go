package natsim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/hawser-edge/hawser/heartbeat"
)

// World is what is simulated: people, their days, and the networks they are
// in. It is read from a file of JSON.
type World struct {
	Name      string `json:"name"`
	About     string `json:"about"`
	Transport string `json:"transport"` // "tcp" or "quic"
	Devices   int    `json:"devices"`
	Days      int    `json:"days"`

	// A device's day. The times of single events are random.
	NotifiesPerDay   float64 `json:"notifies_per_day"`
	ForegroundPerDay float64 `json:"foreground_per_day"`
	ForegroundS      float64 `json:"foreground_s"`
	LossesPerDay     float64 `json:"coverage_losses_per_day"`
	LossS            float64 `json:"coverage_loss_s"`
	HopsPerDay       float64 `json:"hops_per_day"` // visits to another network, beside the way to work and back
	LateS            float64 `json:"late_s"`       // how late a device's timer is at most

	// Hostile is the share of devices that lie.
	Hostile float64 `json:"hostile"`
	// So many devices share an address, and so many the addresses of a /24, as
	// behind the NATs of carriers. 0: 4 and 64.
	DevicesPerAddress uint64 `json:"devices_per_address"`
	DevicesPerBlock   uint64 `json:"devices_per_block"`

	// Home and Away are where devices are; no Home means always away.
	Home []Group `json:"home"`
	Away []Group `json:"away"`
}

// Group is a number of networks of one kind.
type Group struct {
	Name  string  `json:"name"`
	Radio string  `json:"radio"`
	Share float64 `json:"share"` // of the devices
	// Networks is how many there are, or DevicesEach how many devices each
	// has.
	Networks    int     `json:"networks"`
	DevicesEach float64 `json:"devices_each"`
	// Timeouts are what its NATs may be set to.
	Timeouts []Timeout `json:"timeouts"`
	// Mixed is the share of networks where each connection meets one of
	// several NATs: a draw from Timeouts each.
	Mixed     float64 `json:"mixed"`
	MixedInto int     `json:"mixed_into"`
	// Sticky: it is the device that meets the same one each time.
	Sticky bool `json:"sticky"`
	// Masks is the share of networks that answer a device's beat after they
	// have forgotten its connection.
	Masks float64 `json:"masks"`
	// After has all of them do the same with packets of a connection that they
	// have forgotten: "keeps", "resets", "renames", "drops", "rejects" or
	// "refuses". Without it, Masks decides, and chance.
	After string `json:"after"`
	// EarlyPerDay is how often a mapping is evicted for no reason, in a day of
	// silence.
	EarlyPerDay float64 `json:"early_per_day"`
	// Changes are when all its NATs are set anew.
	Changes []Change `json:"changes"`
}

// Timeout is a number, or a range drawn from evenly over its logarithm.
type Timeout struct {
	Weight float64 `json:"weight"`
	S      float64 `json:"s"`
	FromS  float64 `json:"from_s"`
	ToS    float64 `json:"to_s"`
}

// Change sets all timeouts of a group at a time.
type Change struct {
	AtH float64 `json:"at_h"`
	S   float64 `json:"s"`
}

// ErrWorld is wrapped by the errors of a file that describes no world.
var ErrWorld = errors.New("natsim: not a world")

// sharing is how many devices share an address, and how many a block.
func (w *World) sharing() (address, block uint64) {
	return cmp.Or(w.DevicesPerAddress, 4), cmp.Or(w.DevicesPerBlock, 64)
}

// Load reads the world of a file.
func Load(name string) (World, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return World{}, err
	}
	w, err := Parse(b)
	if err != nil {
		return World{}, fmt.Errorf("%s: %w", name, err)
	}
	return w, nil
}

// Parse reads a world.
func Parse(b []byte) (World, error) {
	var w World
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return World{}, fmt.Errorf("%w: %w", ErrWorld, err)
	}
	return w, w.check()
}

func (w *World) check() error {
	if _, ok := transports[w.Transport]; !ok {
		return fmt.Errorf("%w: transport %q, want tcp or quic", ErrWorld, w.Transport)
	}
	if w.Devices < 1 || w.Devices > 1e6 || w.Days < 1 || w.Days > 60 {
		return fmt.Errorf("%w: %d devices for %d days, want 1 to 1,000,000 for 1 to 60", ErrWorld, w.Devices, w.Days)
	}
	if len(w.Away) == 0 {
		return fmt.Errorf("%w: no network is away", ErrWorld)
	}
	for _, rate := range []float64{w.NotifiesPerDay, w.ForegroundPerDay, w.LossesPerDay, w.HopsPerDay} {
		if rate < 0 || rate > 1e4 {
			return fmt.Errorf("%w: %v a day", ErrWorld, rate)
		}
	}
	for _, groups := range [][]Group{w.Home, w.Away} {
		for i := range groups {
			if err := groups[i].check(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *Group) check() error {
	if _, ok := radios[g.Radio]; !ok {
		return fmt.Errorf("%w: group %q has radio %q", ErrWorld, g.Name, g.Radio)
	}
	if len(g.Timeouts) == 0 || g.Share <= 0 || g.Networks < 1 && g.DevicesEach <= 0 {
		return fmt.Errorf("%w: group %q has no timeouts, no share or no networks", ErrWorld, g.Name)
	}
	if _, ok := afters[g.After]; !ok && g.After != "" {
		return fmt.Errorf("%w: group %q has NATs that do %q", ErrWorld, g.Name, g.After)
	}
	for _, t := range g.Timeouts {
		if t.Weight <= 0 || t.S <= 0 && (t.FromS <= 0 || t.ToS < t.FromS) {
			return fmt.Errorf("%w: group %q has a timeout without a weight or a time", ErrWorld, g.Name)
		}
	}
	return nil
}

var transports = map[string]heartbeat.Transport{"tcp": heartbeat.TCP, "quic": heartbeat.QUIC}

var radios = map[string]heartbeat.Radio{
	"wifi": heartbeat.WiFi, "2g": heartbeat.Cell2G, "3g": heartbeat.Cell3G, "4g": heartbeat.Cell4G, "5g": heartbeat.Cell5G, "wired": heartbeat.Wired,
}
