package heattemplates_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

const (
	learnerKey  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM+learner lab-0123456789abcdef01"
	machineKey  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM+machine"
	handleUser  = "c1a7bb86ef234593979b5cb5680e1b17"
	handleToken = "gAAAAA-hunter2"
	// handlePassword has all that Heat's own have (heat/common/password_gen.py).
	handlePassword = "WKo0q!@#%^&*hunter2Bl#"
)

// signal is what a machine tells Heat.
type signal struct {
	ID, Status, Reason string
	Data               any
}

// outside is what a machine talks to: Keystone, Heat, and the address for results.
type outside struct {
	*httptest.Server
	mu      sync.Mutex
	refuse  []int // status codes of the next answers, before any is good
	signals []signal
	reports []report
}

type report struct{ Key, Body string }

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{}
	o.Server = httptest.NewServer(o.routes())
	t.Cleanup(o.Close)
	return o
}

func (o *outside) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v3/auth/tokens", o.login)
	mux.HandleFunc("POST /signal", o.signal)
	mux.HandleFunc("POST /report", o.report)
	return mux
}

func (o *outside) refused(w http.ResponseWriter) bool {
	if len(o.refuse) == 0 {
		return false
	}
	w.WriteHeader(o.refuse[0])
	o.refuse = o.refuse[1:]
	return true
}

func (o *outside) login(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var body struct {
		Auth struct {
			Identity struct {
				Methods  []string
				Password struct{ User struct{ ID, Password string } }
			}
			Scope struct{ Project struct{ ID string } }
		}
	}
	err := json.NewDecoder(r.Body).Decode(&body)
	user := body.Auth.Identity.Password.User
	switch {
	case o.refused(w):
	case err != nil || r.Header.Get("Content-Type") != "application/json" || body.Auth.Scope.Project.ID != "p1":
		w.WriteHeader(http.StatusBadRequest)
	case user.ID != handleUser || user.Password != handlePassword:
		w.WriteHeader(http.StatusUnauthorized)
	default:
		w.Header().Set("X-Subject-Token", handleToken)
		w.WriteHeader(http.StatusCreated)
	}
}

func (o *outside) signal(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields() // Heat drops a signal with other keys, and says 200
	var s signal
	err := decoder.Decode(&s)
	switch {
	case o.refused(w):
	case r.Header.Get("X-Auth-Token") != handleToken:
		w.WriteHeader(http.StatusUnauthorized)
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	default:
		o.signals = append(o.signals, s)
		fmt.Fprint(w, "null")
	}
}

func (o *outside) report(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	o.reports = append(o.reports, report{r.Header.Get("Idempotency-Key"), string(body)})
	if !o.refused(w) {
		w.WriteHeader(http.StatusAccepted)
	}
}

func (o *outside) heard() []signal {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.signals)
}

// answers are those to the next requests; after them, all is well again.
func (o *outside) answers(codes ...int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuse = codes
}

func (o *outside) reported() []report {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.reports)
}

// details are the handle's attribute, as Heat prints it.
func (o *outside) details() string {
	return `{"auth_url": "` + o.URL + `/v3/", "username": "lab-signals-kggs2bqdtldh", "user_id": "` + handleUser + `", "password": "` + handlePassword +
		`", "project_id": "p1", "domain_id": "d1", "region_name": "RegionOne", "alarm_url": "` + o.URL + `/signal"}`
}
