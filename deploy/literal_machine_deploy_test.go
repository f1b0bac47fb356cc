//go:build deploy

package deploy_test

import (
	"encoding/json"
	"sort"
	"strings"
)

// prepare makes the machine one on which a page may be begun.
func (m *machine) prepare() {
	m.t.Helper()
	for name, script := range standIns() {
		m.write("/stand-ins/"+name, standIn+script+"\n", 0o755)
	}
	m.write("/etc/hosts", "127.0.0.1 localhost registry.example.org\n127.0.0.2 openwhisk.example.org\n", 0o644)
	m.write("/etc/containers/containers.conf", "[containers]\ncgroups = \"disabled\"\n[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\nruntime = \"crun\"\n", 0o644)
	m.write("/etc/containers/storage.conf", "[storage]\ndriver = \"vfs\"\nrunroot = \"/run/containers\"\ngraphroot = \"/var/lib/containers/storage\"\n", 0o644)
	m.write("/etc/docker/registry/config.yml", "version: 0.1\nstorage: {filesystem: {rootdirectory: /var/lib/docker-registry}}\n"+
		"http: {addr: '127.0.0.1:443', tls: {certificate: /stand-ins/tls.crt, key: /stand-ins/tls.key}}\n", 0o644)
	// Somebody's own certificate authority, which this machine trusts.
	m.do(`cd /stand-ins
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout tls.key -out tls.crt -subj /CN=registry.example.org \
  -addext subjectAltName=DNS:registry.example.org,DNS:openwhisk.example.org 2>/dev/null
cat tls.crt >>/etc/ssl/certs/ca-certificates.crt`)
	m.start("docker-registry serve /etc/docker/registry/config.yml")
	m.until("curl -fsS https://registry.example.org/v2/")
}

// edit does what the first page asks for: a configuration of one's own, and a cloud.
func (m *machine) edit() {
	m.t.Helper()
	m.write(m.clone+"/config.yaml", settings, 0o600)
	env := []string{"STACKHOOK_CONFIG=/etc/stackhook/config.yaml"}
	for name, value := range m.cloud.EnvCredential() {
		env = append(env, name+"="+value)
	}
	sort.Strings(env)
	m.write(m.clone+"/env", strings.Join(env, "\n")+"\n", 0o600)
	cloud := m.cloud.Env()
	clouds, err := json.Marshal(map[string]any{"clouds": map[string]any{"mycloud": map[string]any{"region_name": cloud["OS_REGION_NAME"], "auth": map[string]string{
		"auth_url": cloud["OS_AUTH_URL"], "username": cloud["OS_USERNAME"], "password": cloud["OS_PASSWORD"], "project_name": cloud["OS_PROJECT_NAME"],
		"user_domain_name": cloud["OS_USER_DOMAIN_NAME"], "project_domain_name": cloud["OS_PROJECT_DOMAIN_NAME"],
	}}}})
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(m.clone+"/clouds.yaml", string(clouds), 0o600)
}

// before is what has to be there for a folder.
func (m *machine) before() map[string]func() {
	return map[string]func(){
		"kubernetes": m.cluster,
		"knative": func() { // with Knative's own definition of a Service
			m.cluster()
			m.do(`kubectl apply --server-side -f "$(cat $TOOLS/knative)/config/core/300-resources/service.yaml" >/dev/null
kubectl wait --for condition=established crd/services.serving.knative.dev >/dev/null`)
		},
		"container": m.golang,
		"openfaas":  func() { m.pushed(); m.watchdog() },
		"fn":        m.pushed,
		"openwhisk": m.openWhisk,
		"azure":     func() { m.do(`echo 'OS_REMARK=one * two' >>env`) }, // no shell may make words of a value
	}
}

// cluster is a real API server of Kubernetes: it says of each object whether it is a good one. There are no nodes.
func (m *machine) cluster() {
	m.t.Helper()
	m.do("rm -rf /var/lib/etcd-trial")
	m.start("$TOOLS/etcd --data-dir /var/lib/etcd-trial --unsafe-no-fsync --log-level error")
	m.do("cd /stand-ins; openssl genrsa -out sa.key 2048 2>/dev/null; echo trial,admin,1,system:masters >tokens")
	m.start("$TOOLS/kube-apiserver --etcd-servers http://127.0.0.1:2379 --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port 6443 --cert-dir /stand-ins/apiserver" +
		" --service-account-issuer https://kubernetes --service-account-key-file /stand-ins/sa.key --service-account-signing-key-file /stand-ins/sa.key" +
		" --token-auth-file /stand-ins/tokens --authorization-mode RBAC --service-cluster-ip-range 10.96.0.0/16 --disable-admission-plugins ServiceAccount --endpoint-reconciler-type none")
	m.write("/root/.kube/config", `{apiVersion: v1, kind: Config, current-context: trial, contexts: [{name: trial, context: {cluster: trial, user: trial}}],
clusters: [{name: trial, cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}], users: [{name: trial, user: {token: trial}}]}`, 0o600)
	m.until("kubectl get --raw /readyz")
}

// golang is what the image golang is made of here: this machine's own Go and C library, which the stand-in for a build mounts.
func (m *machine) golang() {
	m.t.Helper()
	m.do(`mkdir -p /base/{go/pkg/mod,cache,tmp,usr,etc/ssl/certs}
ln -s usr/bin usr/lib usr/lib64 /base
cp /etc/ssl/certs/ca-certificates.crt /base/etc/ssl/certs/
tar -C /base -c . | podman import --change 'ENV PATH=/usr/local/go/bin:/usr/bin' --change 'ENV GOPATH=/go' --change 'ENV GOCACHE=/cache' --change 'ENV GOPROXY=off' - docker.io/library/golang:1.26 2>/dev/null`)
}

// watchdog is an image with a stand-in for OpenFaaS's watchdog.
func (m *machine) watchdog() {
	m.t.Helper()
	m.do(`mkdir -p /watchdog
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /watchdog/fwatchdog ./deploy/testdata/fwatchdog
tar -C /watchdog -c . | podman import - ghcr.io/openfaas/of-watchdog:0.11.6 2>/dev/null`)
}

// pushed are all images, as the page on containers says for one.
func (m *machine) pushed() {
	m.t.Helper()
	m.do(`[ ! -e /stand-ins/pushed ] || exit 0
make image >/dev/null
for function in ` + strings.Join(functions(m.t), " ") + `; do
  skopeo copy --quiet --all oci:dist/images:$function docker://registry.example.org/stackhook/$function:latest
done
touch /stand-ins/pushed`)
}

// openWhisk is only its API, which keeps what is put there.
func (m *machine) openWhisk() {
	m.t.Helper()
	m.write("/stand-ins/openwhisk.py", `
import http.server, ssl
class API(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        action = self.rfile.read(int(self.headers["Content-Length"]))
        open("/stand-ins/actions/" + self.path.split("/")[-1].split("?")[0], "wb").write(action)
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *words): pass
server = http.server.HTTPServer(("127.0.0.2", 443), API)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain("/stand-ins/tls.crt", "/stand-ins/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
`, 0o644)
	m.do("mkdir -p /stand-ins/actions")
	m.start("/usr/bin/python3 /stand-ins/openwhisk.py")
	m.until("curl -fsS https://openwhisk.example.org/")
}
