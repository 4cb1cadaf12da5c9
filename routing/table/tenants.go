package table

import (
	"math/rand/v2"
	"strings"
)

// tenants are the tenants' names, each kept once and known by a number.
type tenants struct {
	numbers map[string]uint32
	all     []tenant
	free    []uint32
	// last was asked for last, and mostly is the next one too.
	last uint32
}

type tenant struct {
	name string
	// key is mixed into the hashes of the tenant's users, so that those of
	// the same name stand in different places.
	key uint64
	// devices counts those that hold the number.
	devices int
}

// tenantBits bound the number of tenants that devices can be of at a time.
const tenantBits = 32 - 2*formBits

func (t *tenants) find(name string) (uint32, bool) {
	if name != "" && int(t.last) < len(t.all) && t.all[t.last].name == name {
		return t.last, true
	}
	i, ok := t.numbers[name]
	if ok {
		t.last = i
	}
	return i, ok
}

// number returns the number of a tenant, for a device that is entered now. It
// reports false where there are too many tenants.
func (t *tenants) number(name string) (uint32, bool) {
	if i, ok := t.find(name); ok {
		return i, true
	}
	return t.add(name)
}

func (t *tenants) add(name string) (uint32, bool) {
	i := uint32(len(t.all))
	if n := len(t.free); n > 0 {
		i, t.free = t.free[n-1], t.free[:n-1]
	} else if i >= 1<<tenantBits {
		return 0, false
	} else {
		t.all = append(t.all, tenant{})
	}
	name = strings.Clone(name) // what it was cut from is not to be kept
	t.all[i] = tenant{name: name, key: rand.Uint64()}
	t.numbers[name] = i
	return i, true
}

func (t *tenants) hold(i uint32) { t.all[i].devices++ }

// release takes a hold back.
func (t *tenants) release(i uint32) {
	x := &t.all[i]
	if x.devices--; x.devices == 0 {
		delete(t.numbers, x.name)
		*x = tenant{}
		t.free = append(t.free, i)
	}
}
