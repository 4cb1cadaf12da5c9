package signature

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

var (
	noon   = time.Unix(1767268800, 0)
	secret = []byte("0123456789abcdef0123456789abcdef")
	other  = []byte("fedcba9876543210fedcba9876543210")
	sample = Call{Tenant: "demo", User: "alice", Device: "phone", Service: "orders", Method: "create", Body: []byte(`{"item":"tea"}`)}
)

// The value is what any other HMAC says, such as
//
//	printf '1767268800\ndemo\nalice\nphone\norders\ncreate\n{"item":"tea"}' |
//	  openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
func TestVector(t *testing.T) {
	const want = "t=1767268800,v1=4f37ade7bd0dce5195f265b61df9746200f2e6011a0be78672676a84f36f2974"
	if got := Sign([][]byte{secret}, noon, sample); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestVerify(t *testing.T) {
	value := Sign([][]byte{secret}, noon, sample)
	for name, tt := range map[string]struct {
		value  string
		change func(*Call)
		now    time.Time
		with   [][]byte
		want   error
	}{
		"right":                  {},
		"rotated, new one first": {value: Sign([][]byte{other, secret}, noon, sample)},
		"rotated, both known":    {with: [][]byte{other, secret}},
		"at the window's edge":   {now: noon.Add(Window)},
		"unknown parts":          {value: value + ",v2=zz,x="},
		"too old":                {now: noon.Add(Window + time.Second), want: ErrWindow},
		"from the future":        {now: noon.Add(-Window - time.Second), want: ErrWindow},
		"moved time":             {value: strings.Replace(value, "t=1767268800", "t=1767268801", 1), want: ErrMismatch},
		"another secret":         {with: [][]byte{other}, want: ErrMismatch},
		"no secret":              {with: [][]byte{}, want: ErrMismatch},
		"empty secret":           {value: Sign([][]byte{{}}, noon, sample), with: [][]byte{{}}, want: ErrMismatch},
		"another body":           {change: func(c *Call) { c.Body = []byte("x") }, want: ErrMismatch},
		"another user":           {change: func(c *Call) { c.User = "bob" }, want: ErrMismatch},
		"another method":         {change: func(c *Call) { c.Method = "delete" }, want: ErrMismatch},
		"moved border":           {change: func(c *Call) { c.Method, c.Body = "create\n"+string(c.Body[:1]), c.Body[1:] }, want: ErrMalformed},
		"empty":                  {value: " ", want: ErrMalformed},
		"line feed":              {change: func(c *Call) { c.User, c.Tenant = "a", "demo\nalice" }, want: ErrMalformed},
		"no time":                {value: value[len("t=1767268800,"):], want: ErrMalformed},
		"two times":              {value: "t=1," + value, want: ErrMalformed},
		"no signature":           {value: "t=1767268800", want: ErrMalformed},
		"not hexadecimal":        {value: "t=1767268800,v1=xyz", want: ErrMalformed},
		"too many":               {value: "t=1767268800" + strings.Repeat(",v1=00", 17), want: ErrMalformed},
		"too long":               {value: value + "," + strings.Repeat("x", 2048), want: ErrMalformed},
		"cut":                    {value: value[:len(value)-2], want: ErrMismatch},
		"time that is no number": {value: Sign([][]byte{secret}, noon, sample)[:2] + "abc,v1=00", want: ErrMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			c := sample
			if tt.change != nil {
				tt.change(&c)
			}
			if tt.value == "" {
				tt.value = value
			}
			if tt.with == nil {
				tt.with = [][]byte{secret}
			}
			if tt.now.IsZero() {
				tt.now = noon
			}
			if err := Verify(tt.value, tt.with, tt.now, c); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestVerifyRequest(t *testing.T) {
	request := func(body []byte) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		c := sample
		c.Body = body
		SetHeaders(r.Header, [][]byte{secret}, time.Now(), c)
		return r
	}
	c, err := VerifyRequest(request(sample.Body), other, secret)
	if err != nil || c.User != "alice" || !bytes.Equal(c.Body, sample.Body) {
		t.Errorf("%+v, %v", c, err)
	}
	changed := request(sample.Body)
	changed.Header.Set(HeaderUser, "bob")
	if _, err := VerifyRequest(changed, secret); !errors.Is(err, ErrMismatch) {
		t.Errorf("another user: %v", err)
	}
	if _, err := VerifyRequest(request(make([]byte, MaxBody+1)), secret); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(Sign([][]byte{secret}, noon, sample), []byte("x"))
	f.Add("t=1,v1=", []byte(""))
	f.Add("t=9223372036854775807,v1=00,t", []byte(""))
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		c := sample
		c.Body = body
		if err := Verify(value, [][]byte{secret}, noon, c); err == nil && !strings.Contains(value, "v1=") {
			t.Errorf("accepted %q", value)
		}
	})
}
