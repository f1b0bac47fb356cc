//go:build deploy

package deploy_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

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
		"openfaas":  m.watched,
		"lambda":    func() { m.do("$TOOLS/hclfmt -check deploy/lambda/main.tf") },
		"fn":        m.onFn,
		"openwhisk": m.activations,
		"azure":     m.handlers,
		"cgi": func() {
			m.do("apachectl -k start")
			for _, function := range functions(m.t) {
				m.answers(function, at("http://127.0.0.1/"+function))
			}
			m.do("apachectl -k stop")
		},
		"tutor": m.plugin,
	}
}

// at asks something that is reached as a web server is.
func at(base string) func(path string) string {
	return func(path string) string { return `curl -fsS -H "Authorization: Bearer $TOKEN" ` + base + path }
}

// answers: a function is up, and the one that can be asked for something of the cloud knows it. ask is the command that asks for a path.
func (m *machine) answers(function string, ask func(path string) string) {
	m.t.Helper()
	m.until(ask("/healthz"))
	if got := m.do(ask("/healthz")); got != function+" is up\n" {
		m.t.Errorf("%s answers %q", function, hide([]byte(got)))
	}
	if function != "deploy-site" {
		return
	}
	if got := m.do(ask("/sites")); !strings.HasPrefix(got, `{"sites":`) {
		m.t.Errorf("%s answers %q", function, hide([]byte(got)))
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
		port := strconv.Itoa(18080 + i)
		// umoci takes an image of one architecture only.
		m.do(`rm -rf /trial /trial.oci; skopeo copy oci:dist/images:` + function + ` oci:/trial.oci:one; umoci unpack --image /trial.oci:one /trial
jq '.process.noNewPrivileges = true | .process.capabilities = {} | .process.terminal = false | .root.readonly = true | .linux.namespaces |= map(select(.type != "network" and .type != "cgroup"))
  | .process.env = ["PORT=` + port + `", "STACKHOOK_CONFIG=" + $config] + ($cloud | split("\n") | map(select(startswith("OS_")))) | del(.linux.resources)' \
  --rawfile config config.yaml --rawfile cloud env /trial/config.json >/trial/new; mv /trial/new /trial/config.json
test "$(jq -c '[.process.user.uid, .process.args]' /trial/config.json)" = '[65532,["/function"]]'`)
		c := m.in("exec crun --cgroup-manager=disabled run --bundle /trial " + function)
		if err := c.Start(); err != nil {
			m.t.Fatal(err)
		}
		m.answers(function, at("http://127.0.0.1:"+port))
		if got := m.do("curl -sS -o /dev/null -w '%{http_code}' -d oauth_consumer_key=nobody http://127.0.0.1:" + port + "/launch"); function == "launch-lab" && got != "401" && got != "400" {
			m.t.Errorf("a forged launch is answered with %s", got)
		}
		m.do("crun --cgroup-manager=disabled kill " + function + " TERM")
		if err := c.Wait(); err != nil {
			m.t.Errorf("%s ends with %v", function, err)
		}
	}
}

// units: systemd finds no fault in what was installed, and the functions answer with the cloud behind them.
func (m *machine) units() {
	m.t.Helper()
	if out := m.do("systemd-analyze verify /etc/systemd/system/stackhook@launch-lab.{socket,service} /etc/systemd/system/stackhook-{tend,reconcile}.{service,timer} 2>&1 | grep -i stackhook || true"); out != "" {
		m.t.Errorf("systemd says %s", out)
	}
	for _, function := range functions(m.t) {
		m.answers(function, at("--unix-socket /run/stackhook/"+function+".sock http://"+function))
	}
	if got := strings.Fields(m.do("ls /etc/systemd/system/sockets.target.wants /etc/systemd/system/timers.target.wants | grep stackhook")); len(got) != len(functions(m.t))+2 {
		m.t.Errorf("enabled are %v", got)
	}
}

// watched runs what was pushed as OpenFaaS would: with the environment of stack.yaml, its secrets, and nowhere to write to but /tmp.
func (m *machine) watched() {
	m.t.Helper()
	var stack openfaas
	strictly(m.t, "openfaas/stack.yaml", &stack)
	m.do("install -D -m 0444 config.yaml /secrets/stackhook-config; install -m 0444 clouds.yaml /secrets/stackhook-clouds")
	for function, f := range stack.Functions {
		var env strings.Builder
		for name, value := range f.Environment {
			fmt.Fprintf(&env, " --env %s=%s", name, value)
		}
		m.do("podman run --detach --name openfaas-" + function + " --network host --read-only --cap-drop all -v /secrets:/var/openfaas/secrets:ro" + env.String() + " --pull always --quiet " + f.Image)
		m.answers(function, at("http://127.0.0.1:8080"))
		m.do("podman rm --force --time 0 openfaas-" + function)
	}
}

// onFn starts the images as Fn does, with a socket to listen on and what the application was configured with, and calls them.
func (m *machine) onFn() {
	m.t.Helper()
	for _, function := range functions(m.t) {
		folder := "/calls/" + function
		m.do("mkdir -p -m 0777 " + folder + `
mapfile -d '' -t env </stand-ins/fn.env
podman run --detach --name fn-` + function + " --network host --read-only -v " + folder + `:/iofs --env FN_LISTENER=unix:/iofs/call.sock --env FN_FORMAT=http-stream "${env[@]/#/--env=}" registry.example.org/stackhook/` + function + ":latest")
		m.answers(function, func(path string) string {
			return `curl -fsS --unix-socket ` + folder + `/call.sock -X POST -H 'Fn-Intent: httprequest' -H 'Fn-Http-Method: GET' -H 'Fn-Http-Request-Url: https://fn.example.org/` + function + path +
				`' -H "Fn-Http-H-Authorization: Bearer $TOKEN" http://localhost/call`
		})
		m.do("podman rm --force --time 0 fn-" + function)
	}
}

// activations starts what was put to OpenWhisk as its proxy does, and gives it lines.
func (m *machine) activations() {
	m.t.Helper()
	for _, function := range functions(m.t) {
		m.do(`mkdir -p /actions/` + function + `; cd /actions/` + function + `; action=/stand-ins/actions/` + function + `
jq -r .exec.code $action | base64 -d >code.zip; unzip -q code.zip
jq -j '.parameters[] | select(.init) | "\(.key)=\(.value)\u0000"' $action >env`)
		m.answers(function, func(path string) string {
			return `cd /actions/` + function + `; mapfile -d '' -t env <env
jq -nc '{value: {__ow_method: "get", __ow_path: "` + path + `", __ow_headers: {authorization: ("Bearer " + env.TOKEN)}, __ow_query: "", __ow_body: ""}}' |
  env -i "${env[@]}" __OW_EXECUTION_ENV=openwhisk/action-golang-v1.20 ./exec 3>&1 >/dev/null 2>log | jq -j .body`
		})
	}
}

// handlers starts what was given to Azure as its host does.
func (m *machine) handlers() {
	m.t.Helper()
	for i, function := range functions(m.t) {
		folder, port := "/apps/"+function, strconv.Itoa(18180+i)
		m.do(`grep -qzxF "$(tail -n 1 env)" /stand-ins/academy-` + function + ".env")
		m.do("mkdir -p " + folder + "; unzip -q dist/azure/" + function + ".zip -d " + folder + "; test -s " + folder + "/any/function.json")
		m.start(`bash -c 'mapfile -d "" -t env </stand-ins/academy-` + function + `.env
cd ` + folder + `; exec env -i "${env[@]}" FUNCTIONS_CUSTOMHANDLER_PORT=` + port + ` "./$(jq -r .customHandler.description.defaultExecutablePath host.json)"'`)
		m.answers(function, at("http://127.0.0.1:"+port))
	}
}

// plugin: what was installed for Tutor does what it was set to.
func (m *machine) plugin() {
	m.t.Helper()
	m.write("/stand-ins/rendered.py", rendered, 0o644)
	var got tutor
	out := m.do(`settings=$(jq -Rn '[inputs | capture("^(?<key>[A-Z_]+)=(?<value>.+)") | .value |= fromjson] | from_entries' /stand-ins/tutor.set)
/usr/bin/python3 /stand-ins/rendered.py "$(tutor plugins printroot)/stackhook.py" "$settings"`)
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		m.t.Fatalf("%v: %s", err, out)
	}
	if !strings.Contains(got.Patches["lms"], "./manage.py lms migrate lti_store") || !strings.Contains(got.Patches["openedx-dockerfile-post-python-requirements"], "openedx-ltistore") {
		m.t.Errorf("the plugin does %v", got.Patches)
	}
}
