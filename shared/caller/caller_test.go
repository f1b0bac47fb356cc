package caller_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/seal"
)

func TestIdentify(t *testing.T) {
	t.Parallel()
	accepted := []caller.Credential{
		{Kind: caller.Cluster, Name: "alarm", User: "alarm", Secret: "pa:ss"},
		{Kind: caller.API, Name: "ci", Secret: "hunter2-of-ci"},
		{Kind: caller.API, Name: "unset"},
		{Kind: caller.Cluster, Name: "unset basic", User: "nobody"},
	}
	verify := func(sig string) bool { return sig == "good" }
	request := func(target string, headers ...string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, target, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		return r
	}
	basic := func(user, password string) *http.Request {
		r := request("/x")
		r.SetBasicAuth(user, password)
		return r
	}
	for name, row := range map[string]struct {
		request *http.Request
		verify  func(string) bool
		kind    caller.Kind // empty for nobody
		who     string
	}{
		"signature":                  {request("/x?sig=good"), verify, caller.Signed, "signed address"},
		"wrong signature":            {request("/x?sig=bad"), verify, "", ""},
		"no signature":               {request("/x"), verify, "", ""},
		"signature not accepted":     {request("/x?sig=good"), nil, "", ""},
		"wrong signature, token":     {request("/x?sig=bad", "X-Auth-Token", "t"), verify, caller.Keystone, "keystone token"},
		"basic":                      {basic("alarm", "pa:ss"), nil, caller.Cluster, "alarm"},
		"basic, wrong password":      {basic("alarm", "pass"), nil, "", ""},
		"basic, wrong user":          {basic("ci", "hunter2-of-ci"), nil, "", ""},
		"basic, empty user":          {basic("", "hunter2-of-ci"), nil, "", ""},
		"basic, unset password":      {basic("nobody", ""), nil, "", ""},
		"bearer":                     {request("/x", "Authorization", "Bearer hunter2-of-ci"), nil, caller.API, "ci"},
		"bearer, other case":         {request("/x", "Authorization", "bearer  hunter2-of-ci"), nil, caller.API, "ci"},
		"bearer, wrong":              {request("/x", "Authorization", "Bearer token"), nil, "", ""},
		"bearer, a basic's password": {request("/x", "Authorization", "Bearer pa:ss"), nil, "", ""},
		"bearer, empty":              {request("/x", "Authorization", "Bearer "), nil, "", ""},
		"another scheme":             {request("/x", "Authorization", "Digest hunter2-of-ci"), nil, "", ""},
		"token":                      {request("/x", "X-Auth-Token", "t"), nil, caller.Keystone, "keystone token"},
		"empty token":                {request("/x", "X-Auth-Token", ""), nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := caller.Identify(row.request, accepted, row.verify)
			if ok != (row.kind != "") || got.Kind != row.kind || got.Name != row.who {
				t.Errorf("got %+v %v, want %s %q", got, ok, row.kind, row.who)
			}
			if got.Kind == caller.Keystone && got.Token != "t" {
				t.Errorf("token %q", got.Token)
			}
		})
	}
}

// A 401 must say how to do better.
func TestChallenge(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	caller.Challenge(w)
	if got := w.Header().Get("WWW-Authenticate"); got == "" {
		t.Error("no challenge")
	}
}

// An address is good for its own cluster and direction, and for nothing else.
func TestScaleAddress(t *testing.T) {
	t.Parallel()
	box, err := seal.New(seal.Key{ID: "one", Secret: []byte("hunter2-hunter2-hunter2-hunter2-")})
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(caller.ScaleAddress(box, "https://hooks.example.org/base", "academy", "out"))
	if err != nil || address.Path != "/base/scale-cluster/academy/out" {
		t.Fatalf("address %v, %v", address, err)
	}
	sig := address.Query().Get("sig")
	for _, row := range []struct {
		cluster, direction, sig string
		want                    bool
	}{
		{"academy", "out", sig, true},
		{"academy", "in", sig, false},
		{"other", "out", sig, false},
		{"academy", "out", sig + "x", false},
		{"academy", "out", "", false},
	} {
		if got := caller.ScaleSigned(box, row.cluster, row.direction, row.sig); got != row.want {
			t.Errorf("%s/%s: %v, want %v", row.cluster, row.direction, got, row.want)
		}
	}
}
