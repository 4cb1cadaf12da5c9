package publish

// The calls in work beside Notify, at most: of all tenants, and of one, so
// that none takes the others' places. A NotifyMany may hold maxManyBody of
// memory, a call of Events its place for some seconds.
const (
	maxCalls, maxCallsOfOne = 32, 16
	maxPolls, maxPollsOfOne = 512, 32
	// Of NotifyMany at the HTTP door, from before its body is read.
	maxBodies, maxBodiesOfOne = 32, 8
)

// places bounds calls.
type places struct {
	// Static after construction. A value in a channel is a place taken.
	all chan struct{}
	of  map[string]chan struct{}
}

func newPlaces(tenants []string, all, ofOne int) *places {
	p := &places{all: make(chan struct{}, all), of: make(map[string]chan struct{}, len(tenants))}
	for _, t := range tenants {
		p.of[t] = make(chan struct{}, ofOne)
	}
	return p
}

// take takes a place for a tenant that is configured, without waiting.
func (p *places) take(tenant string) bool {
	select {
	case p.of[tenant] <- struct{}{}:
	default:
		return false
	}
	select {
	case p.all <- struct{}{}:
		return true
	default:
		<-p.of[tenant]
		return false
	}
}

func (p *places) leave(tenant string) {
	<-p.all
	<-p.of[tenant]
}
