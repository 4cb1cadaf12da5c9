package remote

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/hawser-edge/hawser/push/pushtest"
)

const (
	maxScript = 1 << 20
	// maxPage bounds the requests in one answer.
	maxPage = 10_000
)

// Status is what the simulators do now.
type Status struct {
	Schema string         `json:"schema"`
	APNs   ProviderStatus `json:"apns"`
	FCM    ProviderStatus `json:"fcm"`
}

// ProviderStatus is one simulator's.
type ProviderStatus struct {
	pushtest.Load
	// Connections were accepted so far.
	Connections int `json:"connections"`
	// Seen is what the users of all devices saw, Duplicates how often they saw a
	// second notification of the same news.
	Seen       pushtest.Seen `json:"seen"`
	Duplicates int           `json:"duplicates"`
}

// Page is a part of a log of requests.
type Page struct {
	Schema   string             `json:"schema"`
	Requests []pushtest.Request `json:"requests"`
}

type handler struct {
	fcm  *pushtest.FCM
	sims map[string]simulator
}

// Handler steers and shows simulators:
//
//	GET  /status                                       Status
//	GET  /requests?provider=apns&after=SEQ&limit=N     Page
//	POST /script                                       takes a Script
func Handler(apns *pushtest.APNs, fcm *pushtest.FCM) http.Handler {
	h := &handler{fcm: fcm, sims: map[string]simulator{APNs: apns, FCM: fcm}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", h.status)
	mux.HandleFunc("GET /requests", h.requests)
	mux.HandleFunc("POST /script", h.script)
	return mux
}

func (h *handler) status(w http.ResponseWriter, _ *http.Request) {
	of := func(s simulator) ProviderStatus {
		seen := s.Seen("")
		return ProviderStatus{Load: s.Load(), Connections: s.Connections(), Seen: seen, Duplicates: seen.Duplicates()}
	}
	reply(w, Status{Schema: "hawser.pushsim.status/1", APNs: of(h.sims[APNs]), FCM: of(h.sims[FCM])})
}

func (h *handler) requests(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	sim := h.sims[q.Get("provider")]
	after, err := strconv.ParseInt("0"+q.Get("after"), 10, 64)
	limit, err2 := strconv.Atoi("0" + q.Get("limit"))
	if sim == nil || err != nil || err2 != nil {
		http.Error(w, "use ?provider=apns|fcm&after=SEQ&limit=N", http.StatusBadRequest)
		return
	}
	if limit == 0 || limit > maxPage {
		limit = maxPage
	}
	reply(w, Page{Schema: "hawser.pushsim.requests/1", Requests: sim.RequestsAfter(after, limit)})
}

func (h *handler) script(w http.ResponseWriter, r *http.Request) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxScript))
	d.DisallowUnknownFields()
	var s Script
	err := d.Decode(&s)
	if err == nil {
		err = h.play(s)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
