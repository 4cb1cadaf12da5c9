package natsim

import (
	"fmt"
	"io"
	"strings"
)

// Schema names the form of a Report.
const Schema = "hawser.heartbeat.sim/1"

// Report is a world of a seed under several policies.
type Report struct {
	Schema  string    `json:"schema"`
	World   string    `json:"world"`
	About   string    `json:"about"`
	Seed    uint64    `json:"seed"`
	Scale   float64   `json:"timeout_scale"`
	Devices int       `json:"devices"`
	Results []*Result `json:"results"`
}

// Compare lets the world pass under each of the policies. The oracle comes
// first, asked for or not.
func Compare(w World, seed uint64, scale float64, policies []string) (*Report, error) {
	r := &Report{Schema: Schema, World: w.Name, About: w.About, Seed: seed, Scale: scale, Devices: w.Devices}
	for _, name := range append([]string{Oracle}, policies...) {
		if name == Oracle && len(r.Results) > 0 {
			continue
		}
		result, err := Run(w, seed, scale, name)
		if err != nil {
			return nil, err
		}
		r.Results = append(r.Results, result)
	}
	oracle := r.Results[0]
	for _, result := range r.Results {
		for i := range result.Days {
			result.Days[i].BeatsRatio = ratio(result.Days[i].Beats, oracle.Days[i].Beats)
			result.Days[i].BeyondS = result.Days[i].DeadS - oracle.Days[i].DeadS
			result.Days[i].EnergyRatio = ratio(result.Days[i].EnergyJ, oracle.Days[i].EnergyJ)
		}
	}
	return r, nil
}

// Find returns the result of a policy, nil where it was not run.
func (r *Report) Find(policy string) *Result {
	for _, result := range r.Results {
		if result.Policy == policy {
			return result
		}
	}
	return nil
}

// Last is the day that a result is judged by.
func (r *Result) Last() Day { return r.Days[len(r.Days)-1] }

// WriteTable prints the first and the last day of each policy, beats beside
// dead time: few beats alone can mean a dead connection.
func (r *Report) WriteTable(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "world %s, seed %d, timeouts x%g, %d devices, %d days. %s\n\n", r.World, r.Seed, r.Scale, r.Devices, len(r.Results[0].Days), r.About)
	fmt.Fprintln(&b, "| policy | day | beats | to the oracle | dead s | evicted s | away s | beyond the oracle s | dead | late notifies | energy | reconnects | good | unsafe |")
	fmt.Fprintln(&b, "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, result := range r.Results {
		for i, d := range result.Days {
			if i != 0 && i != len(result.Days)-1 {
				continue
			}
			fmt.Fprintf(&b, "| %s | %d | %.1f | %.3f | %.1f | %.1f | %.1f | %.1f | %.3f %% | %.3f %% | %.2f | %.1f | %.3f | %.4f |\n", result.Policy, i+1,
				d.Beats, d.BeatsRatio, d.DeadS, d.EvictedS, d.AwayS, d.BeyondS, 100*d.Dead, 100*d.Late, d.EnergyRatio, d.Reconnects, d.Good, d.Unsafe)
		}
	}
	r.writeBlame(&b)
	r.writeMars(&b)
	for _, result := range r.Results {
		if e := result.Engine; e != nil {
			fmt.Fprintf(&b, "\n%s: %d networks, %d probes answered, %d deaths seen (%d beyond the caps), %d alarms\n", result.Policy, e.Cells, e.Answered, e.Deaths, e.Capped, e.Alarms)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeMars compares hawser with Mars on the last day: all dead time, what of it
// a policy could have avoided, and what of it one that knows each timeout would
// not have had.
func (r *Report) writeMars(b *strings.Builder) {
	us, mars := r.Find(Hawser), r.Find(Mars)
	if us == nil || mars == nil {
		return
	}
	u, m, o := us.Last(), mars.Last(), r.Results[0].Last()
	fmt.Fprintf(b, "\nto Mars, last day: beats %.2f (oracle %.2f); dead %.4f (oracle %.4f); avoidably dead %.4f (%.1f s to %.1f s); dead beyond the oracle's %.4f (%.1f s to %.1f s)\n",
		ratio(u.Beats, m.Beats), ratio(o.Beats, m.Beats), ratio(u.DeadS, m.DeadS), ratio(o.DeadS, m.DeadS),
		ratio(u.AvoidableS, m.AvoidableS), u.AvoidableS, m.AvoidableS,
		ratio(u.BeyondS, m.BeyondS), u.BeyondS, m.BeyondS)
}
