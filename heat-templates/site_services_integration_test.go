//go:build integration

package heattemplates_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
)

// terminated is a site whose listener shows a certificate that Barbican keeps. Octavia may read it though nobody gave it the right: it
// takes it with the token of who makes the listener.
func terminated(t *testing.T) variant {
	t.Helper()
	d := newDirect(t)
	certificate, key := selfSigned(t, "lms.example.org")
	secrets := []map[string]string{
		{"name": "certificate", "secret_ref": d.secret(t, certificate)},
		{"name": "private_key", "secret_ref": d.secret(t, key)},
	}
	var made struct {
		Ref string `json:"container_ref"`
	}
	d.call(t, http.MethodPost, d.at["key-manager"]+"/v1/containers", map[string]any{"type": "certificate", "name": t.Name(), "secret_refs": secrets}, &made)
	t.Cleanup(func() { d.call(t, http.MethodDelete, made.Ref, nil, nil) })
	return variant{
		parameters: map[string]any{"tls_container": made.Ref, "listen_port": 443, "sticky": "SOURCE_IP"},
		up: func(s *realSite, _ openstack.Stack) {
			var reply struct {
				Listener struct {
					Protocol  string
					Port      int    `json:"protocol_port"`
					Container string `json:"default_tls_container_ref"`
					Status    string `json:"provisioning_status"`
				}
			}
			d.call(t, http.MethodGet, d.at["load-balancer"]+"/v2/lbaas/listeners/"+s.one("OS::Octavia::Listener"), nil, &reply)
			if l := reply.Listener; l.Protocol != "TERMINATED_HTTPS" || l.Port != 443 || l.Container != made.Ref || l.Status != "ACTIVE" {
				t.Errorf("the listener is %+v, want the certificate of %s", l, made.Ref)
			}
		},
	}
}

// secret keeps a text in Barbican until the test ends.
func (d *direct) secret(t *testing.T, text []byte) string {
	t.Helper()
	var made struct {
		Ref string `json:"secret_ref"`
	}
	d.call(t, http.MethodPost, d.at["key-manager"]+"/v1/secrets", map[string]any{"payload": string(text), "payload_content_type": "text/plain"}, &made)
	t.Cleanup(func() { d.call(t, http.MethodDelete, made.Ref, nil, nil) })
	return made.Ref
}

func selfSigned(t *testing.T, host string) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	signed, err := x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bare})
}

// one is the id of the site's only resource of this type.
func (s *realSite) one(kind string) string {
	s.t.Helper()
	list, err := s.cloud.Resources(s.t.Context(), s.ref, 5)
	if err != nil {
		s.t.Fatal(err)
	}
	list = slices.DeleteFunc(list, func(r openstack.Resource) bool { return r.Type != kind })
	if len(list) != 1 {
		s.t.Fatalf("%d of %s", len(list), kind)
	}
	return list[0].PhysicalID
}

// named is a site whose four names are in a zone of Designate's, and lead to its address: the test cloud's own name server is asked.
func named(t *testing.T) variant {
	t.Helper()
	d := newDirect(t)
	zone := strings.ToLower(rand.Text()) + ".example."
	var made struct{ ID string }
	d.call(t, http.MethodPost, d.at["dns"]+"/v2/zones", map[string]any{"name": zone, "email": "ops@example.org"}, &made)
	t.Cleanup(func() { d.call(t, http.MethodDelete, d.at["dns"]+"/v2/zones/"+made.ID, nil, nil) })
	hosts := map[string]any{"dns_zone": zone}
	var names []string
	for _, role := range []string{"lms", "studio", "mfe", "search"} {
		host := role + "." + strings.TrimSuffix(zone, ".")
		hosts[role+"_host"] = host
		names = append(names, host+".")
	}
	return variant{
		parameters: hosts,
		up: func(_ *realSite, up openstack.Stack) {
			for _, name := range names {
				if got, err := addresses(t, name); err != nil || !slices.Equal(got, []string{fmt.Sprint(up.Outputs["address"])}) {
					t.Errorf("%s leads to %v (%v), want %v", name, got, err, up.Outputs["address"])
				}
			}
		},
		gone: func() {
			for _, name := range names {
				if got, err := addresses(t, name); err == nil {
					t.Errorf("%s still leads to %v", name, got)
				}
			}
		},
	}
}

// nameServer is the one of the test cloud: no catalog has it.
const nameServer = "127.0.0.1:5354"

func addresses(t *testing.T, name string) ([]string, error) {
	t.Helper()
	asks := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, nameServer)
	}}
	found, err := asks.LookupNetIP(t.Context(), "ip4", name)
	var out []string
	for _, a := range found {
		out = append(out, netip.Addr.String(a))
	}
	return out, err
}

// stored is a site whose buckets Swift makes: all the world reads what is in the public one, and nothing else. All stay when the site goes.
func stored(t *testing.T) variant {
	t.Helper()
	d := newDirect(t)
	end := strings.ToLower(rand.Text())
	public, uploads, backups := "faces-"+end, "uploads-"+end, "backups-"+end
	at := func(bucket string) string { return d.at["object-store"] + "/" + bucket }
	t.Cleanup(func() {
		for _, bucket := range []string{public, uploads, backups} {
			d.call(t, http.MethodDelete, at(bucket)+"/face.png", nil, nil)
			d.call(t, http.MethodDelete, at(bucket), nil, nil)
		}
	})
	look := func(address string) {
		t.Helper()
		for where, want := range map[string]int{
			address + "/face.png": http.StatusOK, address: http.StatusUnauthorized, address + "/?prefix=f": http.StatusUnauthorized,
			at(uploads) + "/face.png": http.StatusUnauthorized, at(uploads): http.StatusUnauthorized,
			at(backups) + "/face.png": http.StatusUnauthorized, at(backups): http.StatusUnauthorized,
		} {
			if got, _, text := ask(t, http.MethodGet, where, "", nil); got != want || got == http.StatusOK && string(text) != "a face" {
				t.Errorf("all the world reads %s: %d %.60q, want %d", where, got, text, want)
			}
		}
		for _, bucket := range []string{public, uploads, backups} {
			if got, _, text := ask(t, http.MethodGet, at(bucket)+"/face.png", d.token, nil); got != http.StatusOK || string(text) != "a face" {
				t.Errorf("its owner reads %s: %d %.60q", bucket, got, text)
			}
			if got, _, _ := ask(t, http.MethodPut, at(bucket)+"/theirs", "", []byte("x")); got != http.StatusUnauthorized {
				t.Errorf("all the world writes to %s: %d", bucket, got)
			}
		}
	}
	var address string
	return variant{
		parameters: map[string]any{"makes_buckets": true, "s3_public_bucket": public, "s3_bucket": uploads, "backup_bucket": backups},
		up: func(s *realSite, _ openstack.Stack) {
			for _, bucket := range []string{public, uploads, backups} {
				if got, _, _ := ask(t, http.MethodPut, at(bucket)+"/face.png", d.token, []byte("a face")); got != http.StatusCreated {
					t.Errorf("write to %s: %d", bucket, got)
				}
			}
			address = s.websiteOf("public")
			look(address)
			s.change(map[string]any{"app_count": 2})
			for _, node := range []string{"0", "1"} { // of which Heat has made one later, when it no longer had to ask Swift
				if want := "S3_PUBLIC_URL='" + address + "'"; !strings.Contains(userDataOf(t, s.userData(node))["machine.sh"], want) {
					t.Errorf("node %s is not told %s", node, want)
				}
			}
		},
		gone: func() { look(address) },
	}
}

// userData is what a node of the site is given. Nova shows it to administrators alone.
func (s *realSite) userData(node string) string {
	s.t.Helper()
	admin := directTo(s.t, "devcloud-admin")
	var reply struct {
		Server struct {
			Data []byte `json:"OS-EXT-SRV-ATTR:user_data"`
		}
	}
	admin.call(s.t, http.MethodGet, admin.at["compute"]+"/servers/"+s.byName()[node], nil, &reply)
	return string(reply.Server.Data)
}

// websiteOf is where browsers find a container.
func (s *realSite) websiteOf(resource string) string {
	s.t.Helper()
	var reply struct {
		Resource struct{ Attributes struct{ WebsiteURL string } }
	}
	s.blocks.call(s.t, http.MethodGet, s.blocks.heat+"/stacks/"+s.ref.Name+"/"+s.ref.ID+"/resources/"+resource+"?with_attr=WebsiteURL", nil, &reply)
	return reply.Resource.Attributes.WebsiteURL
}

// apart is a site whose three data nodes are on three hypervisors.
func apart(t *testing.T) variant {
	t.Helper()
	d := newDirect(t)
	return variant{
		parameters: map[string]any{"backend_affinity": "hard"},
		up: func(s *realSite, _ openstack.Stack) {
			var hosts []string
			for node, id := range s.byName() {
				var reply struct {
					Server struct{ HostID string }
				}
				if strings.HasPrefix(node, "node_") {
					d.call(t, http.MethodGet, d.at["compute"]+"/servers/"+id, nil, &reply)
					hosts = append(hosts, reply.Server.HostID)
				}
			}
			slices.Sort(hosts)
			if len(hosts) != 3 || hosts[0] == "" || len(slices.Compact(hosts)) != 3 {
				t.Errorf("the data nodes are on %v", hosts)
			}
		},
	}
}
