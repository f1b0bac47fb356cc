//go:build deploy

package deploy_test

import (
	"encoding/json"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// standIn looks whether the files that it is given are there, and notes that it was asked.
const standIn = `#!/bin/bash
set -eu
name=${0##*/}
for word in "$@"; do
  file=${word#*=}
  file=${file#file://}
  case $file in
    deploy/* | dist/* | bin/* | config.yaml | clouds.yaml | *.tar)
      [ -e "$file" ] || { echo "$name: there is no $file" >&2; exit 1; } ;;
  esac
done
note() { echo "$name" >>/stand-ins/log; }
`

// standIns are the programs that are not to be had here, or only in part.
func standIns() map[string]string {
	all := map[string]string{
		"tutor": `[ "$1 $2" != "plugins printroot" ] || echo /root/.local/share/tutor-plugins; note`,
		// What an image is built from is on the internet.
		"podman": `case $1 in
  build) [ "$(grep -c '^FROM' "$3")" -gt 1 ]; name="podman build" note ;;
  push) name="podman push" note ;;
  stop) pid=$(/usr/bin/podman inspect --format '{{.State.Pid}}' "$2")
    grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$pid/status" >/stand-ins/confined
    awk '$5 == "/" { print "root " $6 }' "/proc/$pid/mountinfo" >>/stand-ins/confined
    /usr/bin/podman stop "$2"; /usr/bin/podman inspect --format 'exit {{.State.ExitCode}}' "$2" >>/stand-ins/confined ;;
  *) exec /usr/bin/podman "$@" ;;
esac`,
		// Nothing here runs what Kubernetes was told to.
		"kubectl": `case " $* " in *" rollout "*) name="kubectl rollout" note ;; *) exec "$TOOLS/kubectl" "$@" ;; esac`,
		// Units are loaded and enabled for real; then systemd's own socket-activate holds the sockets, because it cannot be process 1.
		"systemctl": `words=()
for word in "$@"; do [ "$word" = --now ] || words+=("$word"); done
if [ "$1" = restart ]; then name="systemctl restart" note; else /usr/bin/systemctl "${words[@]}"; fi
for unit in "$@"; do
  case $unit in stackhook@*.socket) ;; *) continue ;; esac
  function=${unit#stackhook@}; function=${function%.socket}
  start=$(sed -n 's/^ExecStart=//p' /etc/systemd/system/stackhook@.service | sed "s|%d|/etc/stackhook|; s|%i|$function|")
  mkdir -p /run/stackhook
  (set -a; . /etc/stackhook/env; exec setsid systemd-socket-activate -l "/run/stackhook/$function.sock" $(printf -- '-E %s ' "${!OS_@}") $start >/dev/null 2>&1 9>&- &)
  timeout 60 bash -c 'until [ -S "$0" ]; do sleep 0.05; done' "/run/stackhook/$function.sock"
done`,
	}
	for _, name := range []string{"aws", "sam", "tofu", "faas-cli", "fn", "az", "docker"} {
		all[name] = "note"
	}
	return all
}

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
		"openwhisk": m.openWhisk,
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

// after is what a folder's commands must have led to.
func (m *machine) after() map[string]func() {
	return map[string]func(){
		"container":  m.confined,
		"systemd":    m.units,
		"kubernetes": m.pods,
		"knative": func() {
			if got := strings.Fields(m.do("kubectl -n stackhook get ksvc,cronjobs -o name")); len(got) != len(functions(m.t))+2 {
				m.t.Errorf("Knative has %v", got)
			}
		},
		"lambda": func() { m.do("$TOOLS/hclfmt -check deploy/lambda/main.tf") },
		"cgi": func() {
			m.do("apachectl -k start")
			m.until("curl -fsS http://127.0.0.1/launch-lab/healthz")
			for _, function := range functions(m.t) {
				if got := m.do("curl -fsS http://127.0.0.1/" + function + "/healthz"); got != function+" is up\n" {
					m.t.Errorf("Apache answers %q", got)
				}
			}
			if got := m.do("curl -sS -H 'Authorization: Bearer " + hunter + "' http://127.0.0.1/deploy-site/sites"); !strings.HasPrefix(got, `{"sites":`) {
				m.t.Errorf("Apache answers %q", hide([]byte(got)))
			}
			m.do("apachectl -k stop")
		},
	}
}

// pods are what the controllers of a cluster would be asked to run, were there any: each Pod has to pass the namespace's bounds.
func (m *machine) pods() {
	m.t.Helper()
	for _, function := range functions(m.t) {
		m.do("kubectl -n stackhook get deployment/" + function + ` -o json | jq '.spec.template | {apiVersion: "v1", kind: "Pod", metadata: (.metadata + {name: "` + function + `"}), spec: .spec}' |
kubectl -n stackhook create --dry-run=server -f - 2>&1 | tee /dev/stderr | grep -q 'created (server dry run)'`)
	}
	if got := m.do("kubectl -n stackhook get deployment launch-lab -o jsonpath='{.spec.strategy.type} {.spec.template.spec.containers[0].image}'"); got != "RollingUpdate registry.example.org/stackhook/launch-lab:latest" {
		m.t.Errorf("launch-lab is rolled out as %s", got)
	}
}

// confined: the container had no rights, could not get any, and ended well.
func (m *machine) confined() {
	m.t.Helper()
	got := m.do("cat /stand-ins/confined")
	for _, want := range []string{`Uid:\s+65532\s+65532\s+65532\s+65532`, `CapEff:\s+0+\n`, `CapBnd:\s+0+\n`, `NoNewPrivs:\s+1`, `Seccomp:\s+2`, `\nroot ro,`, `exit 0`} {
		if !regexp.MustCompile(want).MatchString(got) {
			m.t.Errorf("the container is not %q:\n%s", want, got)
		}
	}
	m.bundles()
}

// bundles runs every image by hand, with nothing but an OCI runtime.
func (m *machine) bundles() {
	m.t.Helper()
	for i, function := range functions(m.t) {
		address := "127.0.0.1:" + strconv.Itoa(18080+i)
		// umoci takes an image of one architecture only.
		m.do(`rm -rf /trial /trial.oci; skopeo copy oci:dist/images:` + function + ` oci:/trial.oci:one; umoci unpack --image /trial.oci:one /trial
jq '.process.noNewPrivileges = true | .process.capabilities = {} | .process.terminal = false | .root.readonly = true | .linux.namespaces |= map(select(.type != "network" and .type != "cgroup"))
  | .process.env = ["PORT=` + strconv.Itoa(18080+i) + `", "STACKHOOK_CONFIG=" + $config] + ($env | split("\n") | map(select(startswith("OS_")))) | del(.linux.resources)' \
  --rawfile config config.yaml --rawfile env env /trial/config.json >/trial/new; mv /trial/new /trial/config.json
test "$(jq -c '[.process.user.uid, .process.args]' /trial/config.json)" = '[65532,["/function"]]'`)
		c := m.in("exec crun --cgroup-manager=disabled run --bundle /trial " + function)
		if err := c.Start(); err != nil {
			m.t.Fatal(err)
		}
		m.until("curl -fsS http://" + address + "/healthz")
		if got := m.do("curl -sS -o /dev/null -w '%{http_code}' -d oauth_consumer_key=nobody http://" + address + "/launch"); function == "launch-lab" && got != "401" && got != "400" {
			m.t.Errorf("a forged launch is answered with %s", got)
		}
		m.do("crun --cgroup-manager=disabled kill " + function + " TERM")
		if err := c.Wait(); err != nil {
			m.t.Errorf("%s ends with %v", function, err)
		}
	}
}

// units: systemd finds no fault in what was installed, and the function answers with the cloud behind it.
func (m *machine) units() {
	m.t.Helper()
	if out := m.do("systemd-analyze verify /etc/systemd/system/stackhook@launch-lab.{socket,service} /etc/systemd/system/stackhook-{tend,reconcile}.{service,timer} 2>&1 | grep -i stackhook || true"); out != "" {
		m.t.Errorf("systemd says %s", out)
	}
	if got := m.do("curl -sS --unix-socket /run/stackhook/deploy-site.sock -H 'Authorization: Bearer " + hunter + "' http://deploy-site/sites"); !strings.HasPrefix(got, `{"sites":`) {
		m.t.Errorf("deploy-site answers %s", hide([]byte(got)))
	}
	if got := strings.Fields(m.do("ls /etc/systemd/system/sockets.target.wants /etc/systemd/system/timers.target.wants | grep stackhook")); len(got) != len(functions(m.t))+2 {
		m.t.Errorf("enabled are %v", got)
	}
}

// openWhisk is only its API: what a script puts there is tried by TestOpenWhiskRunsWhatIsDeployed.
func (m *machine) openWhisk() {
	m.t.Helper()
	m.write("/stand-ins/openwhisk.py", `
import http.server, ssl
class API(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *words): pass
server = http.server.HTTPServer(("127.0.0.2", 443), API)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain("/stand-ins/tls.crt", "/stand-ins/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
`, 0o644)
	m.start("/usr/bin/python3 /stand-ins/openwhisk.py")
	m.until("curl -fsS https://openwhisk.example.org/")
}
