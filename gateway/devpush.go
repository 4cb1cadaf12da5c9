package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// pushLinesMost is how many pushes a second get a line each; the others of that
// second share one.
const pushLinesMost = 10

// pushLines shows what dev's simulators receive, a line a push.
type pushLines struct {
	c *console

	// Owned by show.
	begun time.Time // of the second that is counted
	lines int
	more  map[string]int // what became of the others, by provider and result
	count int
}

func newPushLines(c *console) *pushLines { return &pushLines{c: c, more: map[string]int{}} }

// show prints pushes. It is called often, with none too: a second in which many
// came ends then.
func (p *pushLines) show(pushes []devmode.Push) {
	now := time.Now()
	if now.Sub(p.begun) >= time.Second {
		p.rest()
		p.begun, p.lines = now, 0
	}
	for _, push := range pushes {
		if p.lines < pushLinesMost {
			p.lines++
			p.c.printf("%s\n", pushLine(push))
			continue
		}
		p.count++
		p.more[push.Provider+" "+pushResult(push)]++
	}
}

// rest prints one line for those that had none.
func (p *pushLines) rest() {
	if p.count == 0 {
		return
	}
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(p.more)) {
		parts = append(parts, fmt.Sprintf("%d %s", p.more[what], what))
	}
	p.c.printf("  %s  and %d more: %s\n", p.begun.Format("15:04:05.000"), p.count, strings.Join(parts, ", "))
	p.count = 0
	clear(p.more)
}

// pushLine words one push. It has no token: people paste what they see.
func pushLine(p devmode.Push) string {
	var news struct{ User, Kind, Version string }
	_ = json.Unmarshal(p.Hawser, &news) // what is no JSON says nothing
	what := fmt.Sprintf("%q / %q", p.Title, p.Body)
	if p.Background {
		what = "shows nothing, wakes the app"
	}
	whose := "without news of a user: a test of the credential"
	if news.User != "" {
		whose = fmt.Sprintf("to %s  %s %s", shorten([]byte(news.User)), shorten([]byte(news.Kind)), shorten([]byte(news.Version)))
	}
	line := fmt.Sprintf("  %s  %-4s  %s  %s", p.Ended.Format("15:04:05.000"), p.Provider, whose, what)
	if p.Collapse != "" {
		line += "  replaces " + strconv.Quote(p.Collapse)
	}
	if r := pushResult(p); r != "taken" {
		line += "  " + r
	}
	return line
}

// pushResult is what the simulator did with a push.
func pushResult(p devmode.Push) string {
	switch {
	case p.Status == http.StatusOK:
		return "taken"
	case p.Status != 0 && p.Reason != "":
		return fmt.Sprintf("refused: %d %s", p.Status, p.Reason)
	case p.Status != 0:
		return fmt.Sprintf("refused: %d", p.Status)
	case !p.Accepted.IsZero():
		return "taken, but not answered: " + p.Broken
	default:
		return "not taken: " + p.Broken
	}
}
