package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Schema names the form of the JSON report. Fields are added and never
// changed.
const Schema = "hawser.demo/1"

// A Report is the outcome of a demo run.
type Report struct {
	Schema string       `json:"schema"`
	OK     bool         `json:"ok"`
	Steps  []StepReport `json:"steps"`
	// Account is absent where a step failed before it could be drawn.
	Account *AccountReport `json:"account,omitempty"`
	// Seconds is the whole run's duration.
	Seconds float64 `json:"seconds"`
	// Logs is the folder of the processes' logs, kept where a step failed.
	Logs string   `json:"logs,omitempty"`
	Next []string `json:"next,omitempty"`
}

// A StepReport says what one step did.
type StepReport struct {
	Name    string  `json:"name"`
	OK      bool    `json:"ok"`
	Seconds float64 `json:"seconds"`
	// Result says in plain words what was seen, or why the step failed.
	Result []string `json:"result"`
	// Look says how to look closer at a failure.
	Look string `json:"look,omitempty"`
}

// An AccountReport is the balance with the latency of what was delivered:
// from the event's storage to the application having its item.
type AccountReport struct {
	account
	LatencyMS struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
	} `json:"latency_ms"`
}

func writeJSON(w io.Writer, r Report) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// A printer tells the story on a terminal while it happens.
type printer struct {
	w     io.Writer
	total int
}

func (p printer) begin(n int, name string) {
	fmt.Fprintf(p.w, "\n%2d/%d  %s\n", n, p.total, name)
}

func (p printer) end(s StepReport) {
	for _, line := range s.Result {
		p.indented(line)
	}
	if !s.OK {
		p.indented(fmt.Sprintf("FAILED after %.1f s. %s", s.Seconds, s.Look))
	}
}

// width of the story's lines, in bytes. A word that is longer stays whole.
const width = 100

// indented writes a sentence below its step, in more than one line if it is
// long.
func (p printer) indented(text string) {
	const indent, hang = "       ", "  "
	line := indent
	for i, word := range strings.SplitAfter(text, " ") {
		if i > 0 && len(line)+len(strings.TrimRight(word, " ")) > width {
			fmt.Fprintln(p.w, strings.TrimRight(line, " "))
			line = indent + hang
		}
		line += word
	}
	fmt.Fprintln(p.w, strings.TrimRight(line, " "))
}

func (p printer) account(a AccountReport) {
	verdict := "The account holds"
	if !a.balanced() {
		verdict = "THE ACCOUNT DOES NOT HOLD"
	}
	fmt.Fprintf(p.w, `
%s
       drawn from the devices' records, the providers' logs and the stream alone
       %d events for their users' devices make %d pairs
       = %d delivered over a connection + %d reached by push
       lost %d, twice %d, backwards %d
       stored -> in the app's hands: p50 %.1f ms, p99 %.1f ms (what the dead router held)
`, verdict, a.Events, a.Pairs, a.Delivered, a.Pushed, a.Lost, a.Twice, a.Backwards,
		a.LatencyMS.P50, a.LatencyMS.P99)
	for _, f := range a.Faults {
		p.indented(f)
	}
}

func (p printer) finish(r Report) {
	verdict := "Every step held"
	if !r.OK {
		verdict = "The demo FAILED"
	}
	fmt.Fprintf(p.w, "\n%s, in %.1f s.\n", verdict, r.Seconds)
	if r.Logs != "" {
		fmt.Fprintf(p.w, "The logs are in %s\n", r.Logs)
	}
	if len(r.Next) > 0 {
		fmt.Fprintf(p.w, "Next:\n       %s\n", strings.Join(r.Next, "\n       "))
	}
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond)) / float64(time.Second)
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}
