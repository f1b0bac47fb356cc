package caller_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/caller"
	"github.com/stackhook/stackhook/shared/seal"
)

// An address allows what was signed, until its end, and nothing that is added to it or taken away makes it allow more.
func FuzzGranted(f *testing.F) {
	b, err := seal.New(seal.Key{ID: "one", Secret: []byte("seal-secret-hunter2-hunter2-hunte-0")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("academy", "out", 0, 0, 0, 0, int64(0), "", "")
	f.Add("academy", "in", 2, 6, 30, 2, int64(1795435200), "max=9", "max")
	f.Add("a/out?max=3", "out", 0, 3, 0, 0, int64(-1), "sig=x&percent=1000", "expires")
	now := time.Unix(1795400000, 0)
	f.Fuzz(func(t *testing.T, cluster, direction string, low, high, percent, least int, expires int64, more, less string) {
		signed := caller.Grant{Cluster: cluster, Direction: direction, Min: low, Max: high, Percent: percent, MinStep: least}
		if expires != 0 {
			signed.Expires = time.Unix(expires, 0)
		}
		address, err := url.Parse(signed.Address(b, "https://hooks.example.org"))
		if err != nil {
			return // a direction that is no part of an address; ours are out and in
		}
		query := address.Query()
		sound := low >= 0 && high >= 0 && percent >= 0 && least >= 0 && expires >= 0 && (expires == 0 || now.Unix() < expires)
		if g, ok := caller.Granted(b, cluster, direction, query, now); address.RawFragment == "" && direction == url.PathEscape(direction) && ok != sound || ok && g != signed {
			t.Errorf("%s: %+v, %v, signed %+v", address, g, ok, signed)
		}
		extra, _ := url.ParseQuery(more) // what of it can be read
		for name, values := range extra {
			query[name] = append(query[name], values...)
		}
		if g, ok := caller.Granted(b, cluster, direction, query, now); ok && g != signed {
			t.Errorf("%q added: %+v, signed %+v", more, g, signed)
		}
		query = address.Query()
		query.Del(less)
		if g, ok := caller.Granted(b, cluster, direction, query, now); ok && g != signed {
			t.Errorf("%q taken away: %+v, signed %+v", less, g, signed)
		}
		if _, ok := caller.Granted(b, cluster+"x", direction, address.Query(), now); ok {
			t.Errorf("%s is good for another cluster", address)
		}
	})
}
