package natsim

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
)

// PoolSchema names the form of a Pool.
const PoolSchema = "hawser.heartbeat.sims/1"

// Pool is a world of several seeds under the engine of hawser, Mars and the
// oracle. A world has few mobile networks, and what these happen to keep decides
// how many beats anybody needs: one seed says little of a ratio to Mars.
type Pool struct {
	Schema  string    `json:"schema"`
	World   string    `json:"world"`
	About   string    `json:"about"`
	Scale   float64   `json:"timeout_scale"`
	Devices int       `json:"devices"` // of each seed
	Seeds   []*Report `json:"seeds"`
	All     Standing  `json:"all"`
}

// Standing is how hawser's engine does beside the oracle and Mars, the last day
// unless a field says otherwise.
type Standing struct {
	BeatsToOracle     float64 `json:"beats_to_oracle"`
	ColdBeatsToOracle float64 `json:"cold_beats_to_oracle"` // the first day
	Dead              float64 `json:"dead_share"`           // of the day
	Late              float64 `json:"late_share"`           // of the notifies
	BeatsToMars       float64 `json:"beats_to_mars"`
	OracleToMars      float64 `json:"oracle_beats_to_mars"`
	AvoidableToMars   float64 `json:"avoidable_to_mars"` // dead time that an interval can avoid
}

// ComparePool lets the world of n seeds pass, first and those after it, as many
// at a time as there are processors.
func ComparePool(w World, first uint64, n int, scale float64) (*Pool, error) {
	p := &Pool{Schema: PoolSchema, World: w.Name, About: w.About, Scale: scale, Devices: w.Devices, Seeds: make([]*Report, n)}
	errs := make([]error, n)
	places := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i := range n {
		places <- struct{}{}
		wg.Go(func() {
			p.Seeds[i], errs[i] = Compare(w, first+uint64(i), scale, []string{Hawser, Mars})
			<-places
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	p.All = standing(p.Seeds)
	return p, nil
}

// Standing is that of one seed. It needs the results of Hawser and Mars.
func (r *Report) Standing() Standing { return standing([]*Report{r}) }

// standing sums beats and seconds before it divides, as in one larger world.
func standing(reports []*Report) Standing {
	var us, first, oracle, oracleFirst, mars Day
	for _, r := range reports {
		us.add(r.Find(Hawser).Last())
		mars.add(r.Find(Mars).Last())
		oracle.add(r.Find(Oracle).Last())
		first.add(r.Find(Hawser).Days[0])
		oracleFirst.add(r.Find(Oracle).Days[0])
	}
	return Standing{
		BeatsToOracle:     ratio(us.Beats, oracle.Beats),
		ColdBeatsToOracle: ratio(first.Beats, oracleFirst.Beats),
		Dead:              us.DeadS / (day * float64(len(reports))),
		Late:              ratio(us.Late, us.Notifies),
		BeatsToMars:       ratio(us.Beats, mars.Beats),
		OracleToMars:      ratio(oracle.Beats, mars.Beats),
		AvoidableToMars:   ratio(us.AvoidableS, mars.AvoidableS),
	}
}

// add sums what standing needs. Late becomes a number of notifies.
func (d *Day) add(o Day) {
	d.Beats += o.Beats
	d.DeadS += o.DeadS
	d.AvoidableS += o.AvoidableS
	d.Notifies += o.Notifies
	d.Late += o.Late * o.Notifies
}

func ratio(a, b float64) float64 { return a / max(b, 1e-9) }

// WriteTable prints a row for each seed and one for all.
func (p *Pool) WriteTable(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "world %s, %d seeds, timeouts x%g, %d devices each, hawser on the last day of %d. %s\n\n",
		p.World, len(p.Seeds), p.Scale, p.Devices, len(p.Seeds[0].Results[0].Days), p.About)
	fmt.Fprintln(&b, "| seed | beats to the oracle's | on day 1 | dead | late notifies | beats to Mars' | the oracle's to Mars' | avoidably dead to Mars |")
	fmt.Fprintln(&b, "|---|---|---|---|---|---|---|---|")
	for _, r := range p.Seeds {
		r.Standing().writeRow(&b, fmt.Sprint(r.Seed))
	}
	p.All.writeRow(&b, "all")
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Standing) writeRow(b *strings.Builder, name string) {
	avoidable := "none"
	switch {
	case s.AvoidableToMars > 0.1:
		avoidable = fmt.Sprintf("%.2f", s.AvoidableToMars)
	case s.AvoidableToMars > 0:
		avoidable = fmt.Sprintf("1/%.0f", 1/s.AvoidableToMars)
	}
	fmt.Fprintf(b, "| %s | %.3f | %.3f | %.4f %% | %.4f %% | %.3f | %.3f | %s |\n", name,
		s.BeatsToOracle, s.ColdBeatsToOracle, 100*s.Dead, 100*s.Late, s.BeatsToMars, s.OracleToMars, avoidable)
}
