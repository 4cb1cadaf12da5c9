package pushtest

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

const (
	apnsPath       = "/3/device/"
	apnsMaxPayload = 4096
	apnsMaxID      = 64
	// apnsTokenAge is the age at which Apple calls a provider token expired.
	apnsTokenAge = time.Hour
)

// check returns the answer to a request that Apple would refuse whatever the
// device, or a Reply with status 0.
func (a *APNs) check(c *call) Reply {
	switch {
	case c.memory == nil:
		return Reply{Status: http.StatusHTTPVersionNotSupported, Reason: "HTTP2Required"}
	case c.method != http.MethodPost:
		return Reply{Status: http.StatusMethodNotAllowed, Reason: "MethodNotAllowed"}
	case !strings.HasPrefix(c.path, apnsPath):
		return Reply{Status: http.StatusNotFound, Reason: "BadPath"}
	case c.path == apnsPath:
		return bad("MissingDeviceToken")
	}
	if reply := a.checkBearer(c.header.Get("authorization")); reply.Status != 0 {
		return reply
	}
	if reply := a.checkHeaders(c.header); reply.Status != 0 {
		return reply
	}
	if reply := checkPayload(c.body); reply.Status != 0 {
		return reply
	}
	if token := strings.TrimPrefix(c.path, apnsPath); !isHex(token) {
		return bad("BadDeviceToken")
	}
	return Reply{}
}

func (a *APNs) checkHeaders(h http.Header) Reply {
	if id := h.Get("apns-id"); id != "" {
		if _, err := uuid.Parse(id); err != nil {
			return bad("BadMessageId")
		}
	}
	if e := h.Get("apns-expiration"); e != "" {
		if n, err := strconv.ParseInt(e, 10, 64); err != nil || n < 0 {
			return bad("BadExpirationDate")
		}
	}
	topic := h.Get("apns-topic")
	switch {
	case len(h.Get("apns-collapse-id")) > apnsMaxID:
		return bad("BadCollapseId")
	case topic == "":
		return bad("MissingTopic")
	case len(a.opts.Topics) > 0 && !slices.Contains(a.opts.Topics, topic):
		return bad("TopicDisallowed")
	}
	priority := h.Get("apns-priority")
	switch h.Get("apns-push-type") {
	case "alert":
		if priority != "" && priority != "10" && priority != "5" && priority != "1" {
			return bad("BadPriority")
		}
	case "background":
		if priority != "5" && priority != "1" {
			return bad("BadPriority")
		}
	default:
		return bad("InvalidPushType")
	}
	return Reply{}
}

func checkPayload(body []byte) Reply {
	if len(body) > apnsMaxPayload {
		return Reply{Status: http.StatusRequestEntityTooLarge, Reason: "PayloadTooLarge"}
	}
	var p struct {
		APS map[string]any `json:"aps"`
	}
	if json.Unmarshal(body, &p) != nil || p.APS == nil {
		return bad("PayloadEmpty")
	}
	return Reply{}
}

// checkBearer verifies the provider token.
func (a *APNs) checkBearer(header string) Reply {
	text, ok := strings.CutPrefix(header, "bearer ")
	if !ok || text == "" {
		return forbidden("MissingProviderToken")
	}
	claims := &jwt.RegisteredClaims{}
	_, err := jwt.ParseWithClaims(text, claims, func(t *jwt.Token) (any, error) {
		if t.Header["kid"] != a.opts.KeyID {
			return nil, errors.New("another key")
		}
		return &a.key.PublicKey, nil
	}, jwt.WithValidMethods([]string{"ES256"}))
	if err != nil || claims.Issuer != a.opts.TeamID || claims.IssuedAt == nil {
		return forbidden("InvalidProviderToken")
	}
	now, issued := time.Now(), claims.IssuedAt.Time
	if issued.After(now.Add(5 * time.Second)) {
		return forbidden("InvalidProviderToken")
	}
	a.tokenMu.Lock()
	defer a.tokenMu.Unlock()
	if !slices.Contains(a.bearers, text) && len(a.bearers) < 1000 {
		a.bearers = append(a.bearers, text)
	}
	if now.Sub(issued) > apnsTokenAge || issued.Before(a.expiredBefore) {
		return forbidden("ExpiredProviderToken")
	}
	return Reply{}
}

func bad(reason string) Reply { return Reply{Status: http.StatusBadRequest, Reason: reason} }

func forbidden(reason string) Reply { return Reply{Status: http.StatusForbidden, Reason: reason} }
