package openstack_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack"
)

const web = `{"id": "v1", "name": "web", "status": "ACTIVE", "addresses": {
	"b": [{"addr": "10.0.1.1", "OS-EXT-IPS:type": "fixed"}],
	"a": [{"addr": "203.0.113.5", "OS-EXT-IPS:type": "floating"}, {"addr": "10.0.0.1", "OS-EXT-IPS:type": "fixed"}]}}`

func TestServers(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("GET /nova/v2.1/servers/v1", answers(http.StatusOK, `{"server": `+web+`}`))
	p.handle("GET /nova/v2.1/servers/v9", answers(http.StatusNotFound, `{"itemNotFound": {"message": "Instance v9 could not be found."}}`))
	p.handle("GET /nova/v2.1/servers/detail", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("marker") == "v2" {
			answers(http.StatusOK, `{"servers": [`+web+`]}`)(w, r)
			return
		}
		answers(http.StatusOK, `{"servers": [{"id": "v3", "status": "BUILD"}, {"id": "v2"}], "servers_links": [{"rel": "next"}]}`)(w, r)
	})
	cloud := p.cloud(t)
	one := openstack.Server{ID: "v1", Name: "web", Status: "ACTIVE", Addresses: []string{"10.0.0.1", "10.0.1.1", "203.0.113.5"}}
	three := openstack.Server{ID: "v3", Status: "BUILD"}
	for _, tt := range []struct {
		ids   []string
		want  []openstack.Server
		calls []string
	}{
		{[]string{"v1"}, []openstack.Server{one}, []string{"nova GET /servers/{}"}},
		{[]string{"v9", "v1"}, []openstack.Server{one}, []string{"nova GET /servers/{}", "nova GET /servers/{}"}},
		{[]string{"v1", "v9", "v3"}, []openstack.Server{one, three}, []string{"nova GET /servers/detail", "nova GET /servers/detail"}},
		{nil, []openstack.Server{three, {ID: "v2"}, one}, []string{"nova GET /servers/detail", "nova GET /servers/detail"}},
	} {
		_, _ = cloud.Project(t.Context()) // the login is counted elsewhere
		ctx := counting(t)
		got, err := cloud.Servers(ctx, tt.ids...)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("servers %v:\n got %+v, %v\nwant %+v", tt.ids, got, err, tt.want)
		}
		wantCalls(ctx, t, tt.calls...)
	}
}

func TestConsole(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("POST /nova/v2.1/servers/v1/remote-consoles", func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Openstack-Api-Version"); got != "compute 2.6" {
			t.Errorf("microversion: got %q", got)
		}
		want := map[string]any{"remote_console": map[string]any{"protocol": "vnc", "type": "novnc"}}
		if got := bodyOf(t, r); !reflect.DeepEqual(got, want) {
			t.Errorf("body: got %v", got)
		}
		answers(http.StatusOK, `{"remote_console": {"protocol": "vnc", "type": "novnc", "url": "http://n/?token=x"}}`)(w, r)
	})
	ctx := counting(t)
	if got, err := p.cloud(t).Console(ctx, "v1"); err != nil || got != "http://n/?token=x" {
		t.Errorf("console: got %q, %v", got, err)
	}
	wantCalls(ctx, t, "keystone POST /auth/tokens", "nova POST /servers/{}/remote-consoles")
}
