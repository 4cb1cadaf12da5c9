package node_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// specVector is one paragraph of the vectors: its first line and the rest.
type specVector struct {
	what, name string
	fields     []string
}

func specVectors(t *testing.T) []specVector {
	t.Helper()
	text, err := os.ReadFile("../wire/testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []specVector
	for _, paragraph := range strings.Split(string(text), "\n\n") {
		var v specVector
		for _, line := range strings.Split(strings.TrimSpace(paragraph), "\n") {
			switch {
			case strings.HasPrefix(line, "#"), line == "":
			case v.what == "":
				v.what, v.name, _ = strings.Cut(line, " ")
			default:
				v.fields = append(v.fields, line)
			}
		}
		if v.what != "" {
			all = append(all, v)
		}
	}
	return all
}

// value is the field's value, and whether there is one.
func (v specVector) value(key string) (string, bool) {
	for _, line := range v.fields {
		if k, value, _ := strings.Cut(line, " "); k == key {
			return value, true
		}
	}
	return "", false
}

func (v specVector) number(key string) uint64 {
	s, _ := v.value(key)
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}

func (v specVector) hex(t *testing.T, key string) []byte {
	t.Helper()
	s, _ := v.value(key)
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// content is what a frame decodes to: the lines from "type" on.
func (v specVector) content() string {
	for i, line := range v.fields {
		if strings.HasPrefix(line, "type ") {
			return strings.Join(v.fields[i:], "\n")
		}
	}
	return ""
}

// The device reads every frame of an edge that the vectors have, refuses the
// bad ones, and numbers and ids are as they say.
func TestSpecificationDeviceReadsTheVectors(t *testing.T) {
	t.Parallel()
	tests := 0
	for _, v := range specVectors(t) {
		raw := v.hex(t, "hex")
		from, _ := v.value("from")
		switch {
		case v.what == "frame" && from == "edge":
			if got, err := specDescribe(raw); err != nil || got != v.content() {
				t.Errorf("%s: read as\n%s\n%v\nwant\n%s", v.name, got, err, v.content())
			}
		case v.what == "bad" && from == "edge":
			if got, err := specDescribe(raw); err == nil {
				t.Errorf("%s: read as\n%s\nwant an error", v.name, got)
			}
		case v.what == "varint":
			if n, err := specReadVarint(bytes.NewReader(raw)); err != nil || n != v.number("value") {
				t.Errorf("%s: read as %d, %v", v.name, n, err)
			}
		case v.what == "id":
			if want, _ := v.value("valid"); strconv.FormatBool(specIsID(string(raw))) != want {
				t.Errorf("%s: want %s", v.name, want)
			}
		default:
			continue
		}
		tests++
	}
	if tests < 60 {
		t.Errorf("only %d vectors were read", tests)
	}
}

// specDescribe writes a frame of an edge as the vectors do.
func specDescribe(raw []byte) (string, error) {
	f, err := specReadFrame(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return "", err
	}
	p := specFields{left: f.payload}
	switch f.kind {
	case 0x41:
		return specDescribeWelcome(f.payload)
	case 0x42:
		return fmt.Sprintf("type Pong\ninterval_ms %d", p.varint(0, specMaxMillis)), p.err
	case 0x43:
		n, name := p.kind()
		if n > 0 {
			name = fmt.Sprintf("#%d", n)
		}
		version, previous := p.varint(1, specMaxVersion), p.varint(0, specMaxVarint)
		if previous >= version {
			previous = 0
		}
		return fmt.Sprintf("type Notify\nkind %s\nversion %d\nprevious %d", name, version, previous), p.err
	case 0x44:
		return "type Probe", nil
	case 0x45:
		return trimLines(fmt.Sprintf("type Response\nid %d\nstatus %d\nmessage %s\nbody %x",
			p.varint(0, specMaxVarint), p.varint(0, 255), p.text(), p.bytes())), p.err
	case 0x46:
		return specDescribeGoAway(f.payload)
	case 0x47:
		text := trimLines(fmt.Sprintf("type Close\ncode %d\nreason %s", p.varint(3000, 3999), p.text()))
		back := specReadComeBack(p.left)
		if back.waitMs != 0 {
			text += fmt.Sprintf("\ncome_back.wait_ms %d", back.waitMs)
		}
		if back.slot != nil {
			text += fmt.Sprintf("\ncome_back.slot %x", back.slot)
		}
		return text, p.err
	}
	return fmt.Sprintf("type type 0x%02x\nlength %d", f.kind, len(f.payload)), nil
}

// trimLines leaves the key alone where the value is empty.
func trimLines(s string) string {
	return strings.TrimSuffix(strings.ReplaceAll(s, " \n", "\n"), " ")
}

func specDescribeWelcome(payload []byte) (string, error) {
	w, err := specReadWelcome(payload)
	text := fmt.Sprintf("type Welcome\nepoch %d\ninterval_ms %d\nresume_ticket %x\n"+
		"limits.max_frame_bytes %d\nlimits.max_requests %d\nlimits.requests_per_s %d\nreconnect_spread_ms %d",
		w.epoch, w.intervalMs, w.ticket, w.limits[0], w.limits[1], w.limits[2], w.spreadMs)
	for i, kind := range w.kinds {
		text += fmt.Sprintf("\nkinds.%d %s", i, kind)
	}
	return text + "\nedge " + w.edge, err
}

func specDescribeGoAway(payload []byte) (string, error) {
	fields, err := specParseBody(payload)
	text := "type GoAway"
	for _, f := range fields {
		if f.number <= 2 && f.varint > specMaxMillis {
			err = errSpec
		}
		switch f.number {
		case 1:
			text += fmt.Sprintf("\nspread_ms %d", f.varint)
		case 2:
			text += fmt.Sprintf("\ngrace_ms %d", f.varint)
		case 3:
			text += fmt.Sprintf("\nreason %s", f.bytes)
		case 4:
			text += fmt.Sprintf("\ncause %d", f.varint)
		}
	}
	return text, err
}

// The device's whole Hello is, byte for byte, that of the vectors.
func TestSpecificationDeviceSaysHello(t *testing.T) {
	t.Parallel()
	for _, v := range specVectors(t) {
		if v.name != "hello" {
			continue
		}
		got := specHello{
			token: "header.claims.signature", platform: 2, app: "example-app", appVersion: "4.2.0",
			radio: 4, networkHash: []byte{0xde, 0xad, 0xbe, 0xef}, pushToken: "push-token",
			versions: []specVersion{{"messages", 42}, {"contacts", specMaxVersion}},
			last:     []uint64{4, 240000, 300000, 1500}, ticket: []byte{1, 2, 3, 4}, background: true,
		}.frame().append(nil)
		if want := v.hex(t, "hex"); !bytes.Equal(got, want) {
			t.Errorf("Hello is\n%x\nwant\n%x", got, want)
		}
		return
	}
	t.Error("the vectors have no Hello")
}

// An edge that plays the vectors gets from the device what the vectors have:
// a Probe is answered with a Ping, a type of the future is skipped.
func TestSpecificationDeviceAnswersTheVectors(t *testing.T) {
	t.Parallel()
	script := map[string][]byte{}
	for _, v := range specVectors(t) {
		if v.what == "frame" {
			script[v.name] = v.hex(t, "hex")
		}
	}
	edge, device := net.Pipe()
	defer edge.Close()
	defer device.Close()
	_ = edge.SetDeadline(time.Now().Add(patience))
	d := specOver(device)
	asked := make(chan error, 1)
	go func() {
		err := d.hello(specHello{token: "t"})
		if err == nil {
			_, err = d.ping()
		}
		asked <- err
	}()
	play := func(hears, says string) {
		t.Helper()
		got := make([]byte, len(script[hears]))
		if _, err := io.ReadFull(edge, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, script[hears]) {
			t.Fatalf("the device said %x, want %x", got, script[hears])
		}
		if _, err := edge.Write(script[says]); err != nil {
			t.Fatal(err)
		}
	}
	play("hello with the least", "welcome")
	play("ping", "frame type that is not known, from an edge")
	if _, err := edge.Write(script["probe"]); err != nil {
		t.Fatal(err)
	}
	play("ping", "pong")
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	if d.pings != 1 {
		t.Errorf("the device answered %d probes, want 1", d.pings)
	}
}
