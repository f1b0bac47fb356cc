package caller_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

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
		{Kind: caller.Cluster, Name: "proxy", Header: "X-Client-Subject", Secret: "CN=aodh,O=hunter2"},
		{Kind: caller.Cluster, Name: "unset proxy", Header: "X-Empty-Subject"},
	}
	signed := func(query url.Values) bool { return query.Get("sig") == "good" }
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
		signed  func(url.Values) bool
		kind    caller.Kind // empty for nobody
		who     string
	}{
		"signed":                     {request("/x?sig=good"), signed, caller.Signed, "signed address"},
		"signed, and a token":        {request("/x?sig=good", "X-Auth-Token", "t"), signed, caller.Signed, "signed address"},
		"wrongly signed":             {request("/x?sig=bad"), signed, "", ""},
		"not signed, token":          {request("/x", "X-Auth-Token", "t"), signed, caller.Keystone, "keystone token"},
		"signed, not accepted here":  {request("/x?sig=good"), nil, "", ""},
		"proxy":                      {request("/x", "X-Client-Subject", "CN=aodh,O=hunter2"), nil, caller.Cluster, "proxy"},
		"proxy, other subject":       {request("/x", "X-Client-Subject", "CN=aodh"), nil, "", ""},
		"proxy, two lines":           {request("/x", "X-Client-Subject", "CN=aodh,O=hunter2", "X-Client-Subject", "CN=x"), nil, "", ""},
		"proxy, other header":        {request("/x", "X-Subject", "CN=aodh,O=hunter2"), nil, "", ""},
		"proxy, empty":               {request("/x", "X-Empty-Subject", ""), nil, "", ""},
		"proxy's subject as bearer":  {request("/x", "Authorization", "Bearer CN=aodh,O=hunter2"), nil, "", ""},
		"bearer in the header":       {request("/x", "X-Client-Subject", "hunter2-of-ci"), nil, "", ""},
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
			got, ok := caller.Identify(row.request, accepted, row.signed)
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

func box(t *testing.T, ids ...string) *seal.Box {
	t.Helper()
	var keys []seal.Key
	for _, id := range ids {
		keys = append(keys, seal.Key{ID: id, Secret: []byte("hunter2-hunter2-hunter2-hunter2-" + id)})
	}
	b, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// F20: an address is good for its own cluster, direction, limits and time, with either live key, and for nothing else.
func TestF20Address(t *testing.T) {
	t.Parallel()
	b := box(t, "one")
	limited := caller.Grant{Cluster: "academy", Direction: "out", Min: 2, Max: 6, Expires: noon().Add(time.Hour)}
	plain := caller.ScaleAddress(b, "https://hooks.example.org/base", "academy", "out")
	address, err := url.Parse(plain)
	if err != nil || address.Path != "/base/scale-cluster/academy/out" {
		t.Fatalf("address %v, %v", address, err)
	}
	good := address.Query()
	full, err := url.Parse(limited.Address(b, "https://hooks.example.org"))
	if err != nil {
		t.Fatal(err)
	}
	with := func(query url.Values, changes ...string) url.Values {
		q := maps.Clone(query)
		for i := 0; i+1 < len(changes); i += 2 {
			if q.Set(changes[i], changes[i+1]); changes[i+1] == "" {
				q.Del(changes[i])
			}
		}
		return q
	}
	for name, row := range map[string]struct {
		box                *seal.Box
		cluster, direction string
		query              url.Values
		later              time.Duration
		want               bool
	}{
		"as signed":                  {b, "academy", "out", good, 1000 * time.Hour, true},
		"other direction":            {b, "academy", "in", good, 0, false},
		"other cluster":              {b, "other", "out", good, 0, false},
		"other signature":            {b, "academy", "out", with(good, "sig", good.Get("sig")+"x"), 0, false},
		"no signature":               {b, "academy", "out", with(good, "sig", ""), 0, false},
		"limits added":               {b, "academy", "out", with(good, "max", "9"), 0, false},
		"limits that are none added": {b, "academy", "out", with(good, "max", "x"), 0, false},
		"options beside":             {b, "academy", "out", with(good, "dry_run", "1"), 0, true},
		"limited, as signed":         {b, "academy", "out", full.Query(), 0, true},
		"limited, last second":       {b, "academy", "out", full.Query(), time.Hour - time.Second, true},
		"limited, expired":           {b, "academy", "out", full.Query(), time.Hour, false},
		"limited, other max":         {b, "academy", "out", with(full.Query(), "max", "7"), 0, false},
		"limited, no min":            {b, "academy", "out", with(full.Query(), "min", ""), 0, false},
		"limited, no end":            {b, "academy", "out", with(full.Query(), "expires", ""), 0, false},
		"limited, later end":         {b, "academy", "out", with(full.Query(), "expires", "99999999999"), 0, false},
		"the newer of two keys":      {box(t, "one", "two"), "academy", "out", good, 0, true},
		"the older of two keys":      {box(t, "two", "one"), "academy", "out", full.Query(), 0, true},
		"a retired key":              {box(t, "two"), "academy", "out", good, 0, false},
	} {
		if g, got := caller.Granted(row.box, row.cluster, row.direction, row.query, noon().Add(row.later)); got != row.want {
			t.Errorf("%s: %v, want %v (%+v)", name, got, row.want, g)
		}
	}
	double := with(full.Query())
	double["max"] = []string{"6", "9"}
	if _, ok := caller.Granted(b, "academy", "out", double, noon()); ok {
		t.Error("two values of one limit were taken")
	}
	if g, _ := caller.Granted(b, "academy", "out", full.Query(), noon()); g.Min != 2 || g.Max != 6 || !g.Expires.Equal(limited.Expires) {
		t.Errorf("grant %+v, want %+v", g, limited)
	}
}
