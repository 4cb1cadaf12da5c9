package pushtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

const (
	apnsPath        = "/3/device/"
	apnsMaxPayload  = 4096
	apnsMaxVoIP     = 5120
	apnsMaxCollapse = 64
	// uuidLength is that of the canonical form, the only one Apple takes.
	uuidLength = 36
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
	if reply := a.checkBearer(c); reply.Status != 0 {
		return reply
	}
	if reply := a.checkHeaders(c.header); reply.Status != 0 {
		return reply
	}
	most := apnsMaxPayload
	if c.header.Get("apns-push-type") == "voip" {
		most = apnsMaxVoIP
	}
	if reply := checkPayload(c.body, most); reply.Status != 0 {
		return reply
	}
	if token := strings.TrimPrefix(c.path, apnsPath); !isHex(token) {
		return bad("BadDeviceToken")
	}
	return Reply{}
}

func (a *APNs) checkHeaders(h http.Header) Reply {
	for name, values := range h {
		if len(values) > 1 && strings.HasPrefix(name, "Apns-") {
			return bad("DuplicateHeaders")
		}
	}
	if id := h.Get("apns-id"); id != "" {
		if _, err := uuid.Parse(id); err != nil || len(id) != uuidLength {
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
	case len(h.Get("apns-collapse-id")) > apnsMaxCollapse:
		return bad("BadCollapseId")
	case topic == "":
		return bad("MissingTopic")
	case len(a.opts.Topics) > 0 && !slices.Contains(a.opts.Topics, strings.TrimSuffix(topic, ".voip")):
		return bad("TopicDisallowed")
	}
	return checkPushType(h.Get("apns-push-type"), h.Get("apns-priority"), topic)
}

func checkPushType(pushType, priority, topic string) Reply {
	urgent := priority == "10" || priority == ""
	switch {
	case !urgent && priority != "5" && priority != "1":
		return bad("BadPriority")
	case pushType == "background" && urgent:
		return bad("BadPriority")
	case pushType == "voip" && !strings.HasSuffix(topic, ".voip"):
		return bad("BadTopic")
	case pushType != "alert" && pushType != "background" && pushType != "voip":
		return bad("InvalidPushType") // of the others nothing is known here
	}
	return Reply{}
}

func checkPayload(body []byte, most int) Reply {
	if len(body) > most {
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

func bad(reason string) Reply { return Reply{Status: http.StatusBadRequest, Reason: reason} }
