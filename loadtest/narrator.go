package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// narrator tells how far the run is: with a bar on a terminal, with a line now
// and then elsewhere.
type narrator struct {
	// Static after construction.
	w        io.Writer
	terminal bool
}

func newNarrator(w io.Writer) *narrator {
	f, ok := w.(*os.File)
	return &narrator{w, ok && term.IsTerminal(int(f.Fd()))}
}

func (n *narrator) say(format string, args ...any) {
	fmt.Fprintf(n.w, time.Now().Format("15:04:05")+" "+format+"\n", args...)
}

const (
	// barEvery and lineEvery are the times between two looks.
	barEvery  = 200 * time.Millisecond
	lineEvery = 5 * time.Second
)

// during shows how far work is, by at of total, until it returns.
func (n *narrator) during(title string, total int, at func() int, work func() error) error {
	done := make(chan struct{})
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		if n.terminal {
			n.bar(done, title, total, at)
		} else {
			n.lines(done, title, total, at)
		}
	}()
	err := work()
	close(done)
	<-shown
	return err
}

func (n *narrator) bar(done chan struct{}, title string, total int, at func() int) {
	b := progressbar.NewOptions(total,
		progressbar.OptionSetWriter(n.w), progressbar.OptionSetDescription(fmt.Sprintf("%-22s", title)),
		progressbar.OptionShowCount(), progressbar.OptionSetWidth(40), progressbar.OptionSetPredictTime(true))
	ticker := time.NewTicker(barEvery)
	defer ticker.Stop()
	for {
		_ = b.Set(min(at(), total)) // a bar that is not drawn hurts nobody
		select {
		case <-ticker.C:
		case <-done:
			_ = b.Set(min(at(), total))
			_ = b.Exit()
			fmt.Fprintln(n.w)
			return
		}
	}
}

func (n *narrator) lines(done chan struct{}, title string, total int, at func() int) {
	ticker := time.NewTicker(lineEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			n.say("%s: %d of %d", title, at(), total)
		case <-done:
			n.say("%s: done", title)
			return
		}
	}
}
