package proxyproto

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
)

const sig = "0d0a0d0a000d0a515549540a"

// headers are literal bytes and what they say.
var headers = []struct {
	name, hex string
	client    string // empty: none
	err       error
}{
	{name: "TCP over IPv4", hex: sig + "21 11 000c cb007109 c0000201 dca2 01bb", client: "203.0.113.9:56482"},
	{name: "TCP over IPv6", hex: sig + "21 21 0024 20010db8000000000000000000000009 20010db8000000000000000000000001 dca2 01bb", client: "[2001:db8::9]:56482"},
	{name: "IPv4 in IPv6", hex: sig + "21 21 0024 00000000000000000000ffffcb007109 00000000000000000000ffffc0000201 dca2 01bb", client: "203.0.113.9:56482"},
	{name: "with TLVs", hex: sig + "21 11 0013 cb007109 c0000201 dca2 01bb 01 0004 68322f31", client: "203.0.113.9:56482"},
	{name: "with what is no TLV", hex: sig + "21 11 000d cb007109 c0000201 dca2 01bb ff", client: "203.0.113.9:56482"},
	{name: "local", hex: sig + "20 00 0000"},
	{name: "local with addresses", hex: sig + "20 11 000c cb007109 c0000201 dca2 01bb"},
	{name: "local with TLVs", hex: sig + "20 00 0003 04 0000"},
	{name: "local of an unknown family", hex: sig + "20 f5 0000"},
	{name: "the proxy does not know", hex: sig + "21 00 0000"},
	{name: "the proxy does not know, TLVs", hex: sig + "21 00 0003 04 0000"},
	{name: "Unix", hex: sig + "21 31 00d8" + strings.Repeat("2f", 216)},

	{name: "another signature", hex: "0d0a0d0a000d0a515549540b 21 11 000c cb007109 c0000201 dca2 01bb", err: ErrHeader},
	{name: "TLS", hex: "16030100ff010000fb0303" + strings.Repeat("aa", 32), err: ErrHeader},
	{name: "version 1", hex: hex.EncodeToString([]byte("PROXY TCP4 203.0.113.9 192.0.2.1 56482 443\r\n")), err: ErrHeader},
	{name: "version 3", hex: sig + "31 11 000c cb007109 c0000201 dca2 01bb", err: ErrHeader},
	{name: "unknown command", hex: sig + "22 11 000c cb007109 c0000201 dca2 01bb", err: ErrHeader},
	{name: "datagrams", hex: sig + "21 12 000c cb007109 c0000201 dca2 01bb", err: ErrHeader},
	{name: "unknown family", hex: sig + "21 41 000c cb007109 c0000201 dca2 01bb", err: ErrHeader},
	{name: "too short for IPv4", hex: sig + "21 11 000b cb007109 c0000201 dca2 01", err: ErrHeader},
	{name: "too short for IPv6", hex: sig + "21 21 000c cb007109 c0000201 dca2 01bb", err: ErrHeader},
	{name: "too long", hex: sig + "21 11 2001" + strings.Repeat("00", 0x2001), err: ErrHeader},
	{name: "nothing", hex: "", err: io.ErrUnexpectedEOF},
	{name: "half a signature", hex: "0d0a0d0a000d", err: io.ErrUnexpectedEOF},
	{name: "no addresses", hex: sig + "21 11 000c", err: io.ErrUnexpectedEOF},
	{name: "half a TLV", hex: sig + "21 11 0013 cb007109 c0000201 dca2 01bb 01 0004", err: io.ErrUnexpectedEOF},
}

func decode(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRead(t *testing.T) {
	for _, tc := range headers {
		t.Run(tc.name, func(t *testing.T) {
			header := decode(t, tc.hex)
			behind := []byte("what follows")
			in := bytes.NewReader(append(header, behind...))
			if errors.Is(tc.err, io.ErrUnexpectedEOF) {
				in = bytes.NewReader(header)
			}
			client, err := Read(iotest.OneByteReader(in))
			if !errors.Is(err, tc.err) || tc.err == nil && err != nil {
				t.Fatalf("%v, want %v", err, tc.err)
			}
			var want netip.AddrPort
			if tc.client != "" {
				want = netip.MustParseAddrPort(tc.client)
			}
			if err == nil && client != want {
				t.Errorf("%v, want %v", client, want)
			}
			if rest, _ := io.ReadAll(in); err == nil && !bytes.Equal(rest, behind) {
				t.Errorf("it leaves %q", rest)
			}
		})
	}
}

// An error of the connection is the caller's to see.
func TestReadError(t *testing.T) {
	for n := range 30 {
		in := io.MultiReader(bytes.NewReader(decode(t, sig+"21 11 0013 cb007109 c0000201 dca2 01bb 01 0004 68322f31")[:n]), iotest.ErrReader(io.ErrClosedPipe))
		if _, err := Read(in); !errors.Is(err, io.ErrClosedPipe) || errors.Is(err, ErrHeader) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, tc := range headers {
		f.Add(decode(f, tc.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bytes.NewReader(b)
		client, err := Read(in)
		taken := len(b) - in.Len()
		if taken > fixed+MaxLength {
			t.Fatalf("%d bytes were read", taken)
		}
		if err != nil {
			if client.IsValid() {
				t.Fatalf("%v beside %v", client, err)
			}
			return
		}
		if want := fixed + int(binary.BigEndian.Uint16(b[14:])); taken != want {
			t.Fatalf("%d bytes were read of a header of %d", taken, want)
		}
		if client.Addr().Is4In6() {
			t.Fatalf("%v is not unmapped", client)
		}
	})
}
