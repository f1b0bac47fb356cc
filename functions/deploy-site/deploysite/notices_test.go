package deploysite_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const noticeSecret = "notices-hunter2-hunter2-hunter2-0123"

// ear is somebody who is told.
type ear struct {
	mu     sync.Mutex
	heard  []string // site, state
	ids    []string
	forged int
	status int
}

func listen(t *testing.T, now func() time.Time) (*ear, string) {
	t.Helper()
	e := &ear{status: http.StatusNoContent}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		stamp := r.Header.Get("X-Stackhook-Timestamp")
		mac := hmac.New(sha256.New, []byte(noticeSecret))
		mac.Write([]byte(stamp + "." + string(body)))
		sent, _ := strconv.ParseInt(stamp, 10, 64)
		var n struct{ ID, Site, State string }
		e.mu.Lock()
		defer e.mu.Unlock()
		if json.Unmarshal(body, &n) != nil || r.Header.Get("X-Stackhook-Signature") != "sha256="+hex.EncodeToString(mac.Sum(nil)) || sent != now().Unix() {
			e.forged++
		}
		e.heard, e.ids = append(e.heard, n.Site+" "+n.State), append(e.ids, n.ID)
		w.WriteHeader(e.status)
	}))
	t.Cleanup(server.Close)
	return e, server.URL
}

// Row 7.0.26: what became of sites is told, signed, to those who are named; and to whoever asks.
func TestRow7026Notifications(t *testing.T) {
	t.Parallel()
	h := start(t)
	e, address := listen(t, h.cloud.Now)
	h.yaml = strings.Replace(h.yaml, "sites: {", "sites: {notify: [{url: '"+address+"', secret: "+noticeSecret+"}], ", 1)
	h.restart()
	h.ready(academy, spec())
	r := h.send(http.MethodGet, "/notices", "")
	if r.status != http.StatusOK || len(e.heard) > 0 || strings.Count(r.text, `"state":"`) != 2 {
		t.Errorf("told %v: %s", e.heard, r.text)
	}
	for range 2 {
		if r = h.send(http.MethodPost, "/notices", ""); r.body["told"] != 2.0 || r.body["untold"] != 0.0 {
			t.Errorf("%s", r.text)
		}
	}
	want := []string{"academy creating", "academy ready", "academy creating", "academy ready"}
	if !slices.Equal(e.heard, want) || e.forged > 0 || e.ids[0] != e.ids[2] || e.ids[1] != e.ids[3] || e.ids[0] == e.ids[1] {
		t.Errorf("heard %v by %v, %d forged", e.heard, e.ids, e.forged)
	}
	// What is older than asked for is not told again, and of a site that has long been quiet nothing is even read.
	h.cloud.Advance(10 * time.Minute)
	if r = h.send(http.MethodPost, "/notices", ""); r.body["told"] != 0.0 {
		t.Errorf("%s", r.text)
	}
	// A change may take hours: as long as one that ended lately may have begun, the site is read.
	h.cloud.Advance(3 * time.Hour)
	if r = h.send(http.MethodGet, "/notices?within=4h", ""); strings.Count(r.text, `"state":"`) != 2 {
		t.Errorf("%s", r.text)
	}
	h.cloud.Advance(4 * time.Hour)
	h.calls()
	h.send(http.MethodPost, "/notices", "")
	if got := slices.Compact(h.calls()); !slices.Equal(got, []string{find}) { // twice if the token is too old by then
		t.Errorf("%v", got)
	}
	// One state alone, and an ear that is deaf.
	e.status = http.StatusBadGateway
	h.put(academy, three())
	h.cloud.Settle()
	if r = h.send(http.MethodPost, "/notices?states=ready,failed", ""); r.body["untold"] != 1.0 || r.body["told"] != 0.0 || strings.Contains(r.text, "updating") {
		t.Errorf("%s", r.text)
	}
	if !strings.Contains(h.log.String(), "a notice did not arrive") || strings.Contains(h.log.String(), address) {
		t.Error("the log does not say so, or has the address")
	}
	for _, wrong := range []string{"within=soon", "within=-1m", "within=25h", "states=well"} {
		h.send(http.MethodPost, "/notices?"+wrong, "").want(t, http.StatusUnprocessableEntity, "invalid")
	}
	h.send(http.MethodPost, "/notices", "", "-", "").want(t, http.StatusUnauthorized, "unauthorized")
}

// Row 7.0.28: volumes that no site uses are named, with what would delete them; nothing is deleted.
func TestRow7028Leftovers(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	stray := h.cloud.MakeVolume("stray", 7, map[string]string{"stackhook-site": academy, "role": "mysql", "index": "1"})
	h.cloud.MakeVolume("somebody's", 9, nil)
	ask := func() reply {
		t.Helper()
		r := h.send(http.MethodGet, "/leftovers", "")
		if r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.text)
		}
		return r
	}
	r := ask()
	if list, _ := r.body["volumes"].([]any); len(list) != 1 || r.body["size_gb"] != 7.0 || !strings.Contains(r.text, `"openstack volume delete `+stray+`"`) {
		t.Errorf("%s", r.text)
	}
	// While it is changed its volumes may be off for a while.
	h.put(academy, three())
	if list, _ := ask().body["volumes"].([]any); len(list) != 0 {
		t.Errorf("while it is changed: %v", list)
	}
	h.cloud.Settle()
	h.gone()
	h.wrote()
	r = ask()
	if list, _ := r.body["volumes"].([]any); len(list) != 7 || !strings.Contains(r.text, "Nothing was deleted") {
		t.Errorf("%s", r.text)
	}
	if got := h.wrote(); len(got) > 0 || len(h.volumesOf(academy)) != 7 {
		t.Errorf("wrote %v", got)
	}
	h.send(http.MethodGet, "/leftovers", "", "-", "").want(t, http.StatusUnauthorized, "unauthorized")
}
