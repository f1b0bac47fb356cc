//go:build vm

package heattemplates_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// The site's network, as Neutron would make it, is the one network here: the cloud answers at its gateway.
const (
	gateway      = "10.90.0.1"
	cloudListens = gateway + ":8000"
	debsListen   = gateway + ":8080"
	metadata     = "169.254.169.254"
)

// vmSite is a site on the fake cloud, whose backends are real machines: they boot with what Heat gives to Nova, and what they signal
// is what the fake's Heat hears.
type vmSite struct {
	*fakeSite
	folder, image string
	begun         time.Time
	nodes         []*vm
	told          map[string]bool // signals that were printed
	uuid          string          // of the cluster
}

// newVMSite has a stack that waits for its machines, which are not started yet.
func newVMSite(t *testing.T) *vmSite {
	t.Helper()
	s := &vmSite{folder: os.Getenv("VM_FOLDER"), image: os.Getenv("VM_IMAGE"), begun: time.Now(), told: map[string]bool{}}
	if s.folder == "" || s.image == "" {
		t.Fatal("run scripts/test-vm, which makes the machines' image and a network namespace for them")
	}
	s.fakeSite = &fakeSite{t: t}
	s.network()
	var err error
	if s.fake, err = openstacktest.New(openstacktest.Options{Listen: cloudListens, Wall: true, SilentGuests: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.fake.Close)
	env := s.fake.Env()
	if s.cloud, err = openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }}); err != nil {
		t.Fatal(err)
	}
	template := siteTemplate(t)
	s.ref, err = s.cloud.CreateStack(t.Context(), openstack.NewStack{
		Name: "school", Template: template.Text, Files: template.Files, Tags: []string{"stackhook", "site"},
		Parameters: siteParameters(map[string]any{"app_count": 0, "backend_timeout": 4 * 3600}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		s.nodes = append(s.nodes, &vm{site: s, index: i, userData: s.userData(i)})
	}
	s.addresses()
	s.services()
	return s
}

// say prints what goes on, since the start in minutes and seconds.
func (s *vmSite) say(format string, words ...any) {
	at := time.Since(s.begun).Round(time.Second)
	fmt.Printf("    %3d:%02d %s\n", int(at.Minutes()), int(at.Seconds())%60, strings.ReplaceAll(fmt.Sprintf(format, words...), "hunter2", "***"))
}

func (s *vmSite) sh(script string) {
	s.t.Helper()
	if out, err := exec.CommandContext(s.t.Context(), "bash", "-euc", script).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v: %s", script, err, out)
	}
}

// network is a bridge with a socket for each machine, in the namespace that the script has made.
func (s *vmSite) network() {
	s.sh(`ip link set lo up
ip link add br0 type bridge
ip addr add ` + gateway + `/24 dev br0
ip addr add ` + metadata + `/32 dev br0
ip link set br0 up
for i in 0 1 2; do
  ip tuntap add tap$i mode tap
  ip link set tap$i master br0 up
done`)
}

// userData is what Nova is given for this node, once Heat has come so far.
func (s *vmSite) userData(index int) (userData string) {
	s.t.Helper()
	until(s.t, 3*time.Minute, fmt.Sprintf("Heat makes server %d", index), func() bool {
		userData = s.fake.UserData(fmt.Sprintf("school-backend-%d", index))
		return userData != ""
	})
	if n := len(userData); n >= maxUserData {
		s.t.Fatalf("user data is %d bytes", n)
	}
	return userData
}

var siteSetting = regexp.MustCompile(`(?m)^([A-Z0-9_]+)='([^'\n]*)'$`)

// addresses of nodes and ids of volumes are those that the templates gave to the machines.
func (s *vmSite) addresses() {
	for i, n := range s.nodes {
		set := map[string]string{}
		for _, m := range siteSetting.FindAllStringSubmatch(userDataOf(s.t, n.userData)["machine.sh"], -1) {
			set[m[1]] = m[2]
		}
		peers := strings.Fields(set["PEERS"])
		if len(peers) != 3 || set["MYSQL_VOLUME"] == "" || set["MONGODB_VOLUME"] == "" {
			s.t.Fatalf("node %d has peers %q, and volumes %q and %q", i, peers, set["MYSQL_VOLUME"], set["MONGODB_VOLUME"])
		}
		n.address, n.volumes = peers[i], []string{set["MYSQL_VOLUME"], set["MONGODB_VOLUME"]}
	}
	slices.Reverse(s.nodes[1].volumes) // attached the other way round
}

// services are those of Neutron (DHCP and names), Nova (metadata) and a Debian mirror.
func (s *vmSite) services() {
	argv := []string{
		"--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file=", "--no-hosts", "--no-resolv", "--interface=br0", "--bind-interfaces",
		"--dhcp-range=10.90.0.0,static", "--dhcp-leasefile=" + s.folder + "/leases", "--log-facility=" + s.folder + "/dnsmasq.log",
		"--address=/mirror.internal/" + gateway,
	}
	for _, n := range s.nodes {
		argv = append(argv, "--dhcp-host="+n.mac()+","+n.address)
	}
	s.background(exec.CommandContext(context.WithoutCancel(s.t.Context()), "dnsmasq", argv...))
	s.serve(debsListen, http.FileServer(http.Dir(s.image+"/debs")))
	s.serve(metadata+":80", s.metadata())
	s.sh("ssh-keygen -q -t ed25519 -N '' -f " + s.folder + "/key")
}

func (s *vmSite) serve(address string, h http.Handler) {
	s.t.Helper()
	l, err := (&net.ListenConfig{}).Listen(s.t.Context(), "tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	s.t.Cleanup(func() { _ = server.Close() })
}

// background starts a program that runs until the test ends.
func (s *vmSite) background(cmd *exec.Cmd) (stop func()) {
	s.t.Helper()
	log, err := os.OpenFile(filepath.Join(s.folder, filepath.Base(cmd.Path)+".err"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
		_ = log.Close()
	}()
	stop = func() {
		_ = cmd.Process.Kill()
		<-ended
	}
	s.t.Cleanup(stop)
	return stop
}

// metadata is Nova's service, which knows a machine by its address.
func (s *vmSite) metadata() http.Handler {
	mux := http.NewServeMux()
	for path, answer := range map[string]func(n *vm) any{
		"/openstack":                        func(*vm) any { return "2012-08-10\n2018-08-27\nlatest" },
		"/openstack/{$}":                    func(*vm) any { return "2012-08-10\n2018-08-27\nlatest" },
		"/openstack/{of}/meta_data.json":    func(n *vm) any { return n.metadata() },
		"/openstack/{of}/network_data.json": func(n *vm) any { return n.networkData() },
		"/openstack/{of}/vendor_data.json":  func(*vm) any { return map[string]any{} },
		"/openstack/{of}/vendor_data2.json": func(*vm) any { return map[string]any{} },
		"/openstack/{of}/user_data":         func(n *vm) any { return n.userData },
		"/latest/meta-data/{$}":             func(*vm) any { return "instance-id\nhostname" },
		"/latest/meta-data/instance-id/{$}": func(*vm) any { return "i-00000001" },
		"/latest/meta-data/hostname/{$}":    func(n *vm) any { return n.name() },
		"/latest/meta-data/instance-id":     func(*vm) any { return "i-00000001" },
		"/latest/meta-data/hostname":        func(n *vm) any { return n.name() },
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			host, _, _ := net.SplitHostPort(r.RemoteAddr)
			i := slices.IndexFunc(s.nodes, func(n *vm) bool { return n.address == host })
			if i < 0 {
				http.NotFound(w, r)
				return
			}
			write(w, answer(s.nodes[i]))
		})
	}
	return mux
}

// hears prints what machines have newly told, and ends the test when one says that it failed.
func (s *vmSite) hears() {
	s.t.Helper()
	list, err := s.cloud.Resources(s.t.Context(), s.ref, 5)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range list {
		if r.Type != "OS::Heat::WaitConditionHandle" || r.Name == "scale_log" {
			continue
		}
		signals, err := s.cloud.Metadata(s.t.Context(), r.Stack, r.Name)
		if err != nil {
			continue // being made
		}
		for id, raw := range signals {
			said, _ := raw.(map[string]any)
			if key := r.Stack.ID + r.PhysicalID + id; !s.told[key] {
				s.told[key] = true
				s.say("%s says %s: %v", cmp(r.Parent, "site"), said["status"], said["reason"])
			}
			if said["status"] == "FAILURE" {
				data, _ := said["data"].(map[string]any)
				s.fails("%s failed: %v\n%v", r.Parent, said["reason"], data["last"])
			}
		}
	}
}

func cmp(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// wait goes on when done, which is asked every two seconds.
func (s *vmSite) wait(most time.Duration, what string, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(most); ; time.Sleep(2 * time.Second) {
		s.hears()
		for _, n := range s.nodes {
			n.follow()
		}
		if done() {
			return
		}
		if time.Now().After(end) {
			s.fails("%s: not within %s", what, most)
		}
	}
}

// fails ends the test with what the machines' consoles and logs say.
func (s *vmSite) fails(format string, words ...any) {
	s.t.Helper()
	for _, n := range s.nodes {
		s.say("console of node %d ends with\n%s", n.index, n.lastLines(20))
		log, err := n.ssh("tail -n 30 /var/log/stackhook/boot.log; systemctl --failed --no-legend")
		s.say("log of node %d (%v) ends with\n%s", n.index, err, log)
	}
	s.t.Fatal(strings.ReplaceAll(fmt.Sprintf(format, words...), "hunter2", "***"))
}

// state is Heat's own word.
func (s *vmSite) state() string {
	s.t.Helper()
	stack, err := s.cloud.StackParameters(s.t.Context(), s.ref)
	if err != nil {
		s.t.Fatal(err)
	}
	return stack.State()
}

func (s *vmSite) change(parameters map[string]any) {
	s.t.Helper()
	if err := s.cloud.PatchStack(s.t.Context(), s.ref, openstack.StackChange{Parameters: parameters}); err != nil {
		s.t.Fatal(err)
	}
}
