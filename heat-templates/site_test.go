package heattemplates_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// fakeSite is a site on a fake cloud.
type fakeSite struct {
	t     *testing.T
	fake  *openstacktest.Cloud
	cloud *openstack.Cloud
	ref   openstack.StackRef
}

func makeFakeSite(t *testing.T, parameters map[string]any, opts ...openstacktest.Option) *fakeSite {
	t.Helper()
	f := &fakeSite{t: t, fake: openstacktest.Start(t, opts...)}
	env := f.fake.Env()
	var err error
	if f.cloud, err = openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }}); err != nil {
		t.Fatal(err)
	}
	f.ref = f.create("school", parameters)
	return f
}

func (f *fakeSite) create(name string, parameters map[string]any) openstack.StackRef {
	f.t.Helper()
	template := siteTemplate(f.t)
	ref, err := f.cloud.CreateStack(f.t.Context(), openstack.NewStack{
		Name: name, Template: template.Text, Files: template.Files, Parameters: parameters, Tags: []string{"stackhook", "site"},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.fake.Settle()
	return ref
}

func (f *fakeSite) read(want string) openstack.Stack {
	f.t.Helper()
	s, err := f.cloud.Stack(f.t.Context(), f.ref)
	if err != nil {
		f.t.Fatal(err)
	}
	if s.State() != want {
		f.t.Fatalf("%s (%s), not %s", s.State(), s.Reason, want)
	}
	return s
}

func (f *fakeSite) patch(parameters map[string]any) openstack.Stack {
	f.t.Helper()
	if err := f.cloud.PatchStack(f.t.Context(), f.ref, openstack.StackChange{Parameters: parameters}); err != nil {
		f.t.Fatal(err)
	}
	f.fake.Settle()
	return f.read("UPDATE_COMPLETE")
}

// place is a parameter that keeps the secrets of one store.
var place = regexp.MustCompile(`^(mysql|mongodb|redis|storage)_[ab]$`)

// The parameters and outputs that the functions use, as README.md promises them.
func TestSiteContract(t *testing.T) {
	t.Parallel()
	site, cluster := siteTemplate(t), load(t, nil, "cluster.yaml")
	readme := readFile(t, "README.md")
	_, readme, _ = strings.Cut(readme, "## site.yaml")
	required := []string{"app_image", "app_flavor", "backend_image", "backend_flavor", "lms_host", "studio_host", "mfe_host", "search_host", "contact_email", "secrets"}
	for _, p := range site.Parameters {
		if !strings.Contains(readme, "`"+p.Name+"`") {
			t.Errorf("README.md does not tell of parameter %s", p.Name)
		}
		if p.Required != slices.Contains(required, p.Name) {
			t.Errorf("%s: required %v", p.Name, p.Required)
		}
		if p.Hidden != (p.Name == "secrets" || strings.HasSuffix(p.Name, "_url") || place.MatchString(p.Name)) {
			t.Errorf("%s: hidden %v", p.Name, p.Hidden)
		}
	}
	for _, o := range site.Outputs {
		if !strings.Contains(readme, "`"+o+"`") {
			t.Errorf("README.md does not tell of output %s", o)
		}
	}
	// scale-cluster scales a site as it is.
	for _, p := range cluster.Parameters {
		if strings.HasPrefix(p.Name, "app_") && p.Name != "app_port" || strings.HasPrefix(p.Name, "alarm_") || strings.HasPrefix(p.Name, "scale_") || strings.HasPrefix(p.Name, "cooldown_") {
			i := slices.IndexFunc(site.Parameters, func(q heattemplates.Parameter) bool { return q.Name == p.Name })
			if i < 0 || fmt.Sprint(site.Parameters[i]) != fmt.Sprint(p) {
				t.Errorf("%s is not as in cluster.yaml", p.Name)
			}
		}
	}
	for _, o := range cluster.Outputs {
		if !slices.Contains(site.Outputs, o) {
			t.Errorf("no output %s", o)
		}
	}
}

// TestRow7001ExactlyThree: the number of backend nodes is nobody's to choose.
func TestRow7001ExactlyThree(t *testing.T) {
	t.Parallel()
	backend := siteTemplate(t).Files["site-backend.yaml"]
	if n := strings.Count(backend, "type: site-backend-node.yaml"); n != 3 || strings.Contains(backend, "ResourceGroup") || strings.Contains(backend, "count") {
		t.Errorf("%d nodes", n)
	}
}

// TestRow7010To7030VariantsComeUp makes each variant of a site on the fake cloud.
func TestRow7010To7030VariantsComeUp(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		parameters map[string]any
		opts       []openstacktest.Option
		has        []string // resources
		hasNot     []string
	}{
		"row 7010 plain":          {nil, nil, []string{"net", "router_interface", "floating_ip", "lb_octavia", "nodes/0/member"}, []string{"lb_lbaasv2", "dns_lms", "uploads", "alarm_out", "given_subnet", "nodes/0/wait_for_visitors"}},
		"row 7011 lbaasv2":        {map[string]any{"lb_kind": "lbaasv2"}, []openstacktest.Option{openstacktest.NoOctavia()}, []string{"lb_lbaasv2/pool", "nodes/0/member_lbaasv2"}, []string{"lb_octavia", "nodes/0/member"}},
		"row 7030 inside":         {map[string]any{"external_network": ""}, nil, []string{"net"}, []string{"router", "floating_ip"}},
		"row 7029 and 7030 given": {map[string]any{"network": "private", "subnet": "GIVEN"}, nil, []string{"given_subnet", "floating_ip"}, []string{"net", "router"}},
		"row 7017 tls":            {map[string]any{"tls_container": "https://barbican/c", "listen_port": 443, "sticky": "SOURCE_IP"}, nil, []string{"lb_octavia/listener"}, nil},
		"row 7018 dns":            {map[string]any{"dns_zone": "example.org."}, nil, []string{"dns_lms", "dns_studio", "dns_mfe", "dns_search"}, nil},
		"row 7020 buckets":        {map[string]any{"makes_buckets": true, "s3_public_bucket": "faces"}, nil, []string{"uploads", "public", "backups"}, nil},
		"row 7009 alarms":         {map[string]any{"scale_out_url": "http://x/o", "scale_in_url": "http://x/i"}, nil, []string{"alarm_out", "alarm_in"}, nil},
		"row 7014 waiting":        {map[string]any{"app_wait": 30, "admin_cidr": "10.9.0.0/16", "backend_affinity": "hard"}, nil, []string{"nodes/0/wait_for_visitors"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := siteParameters(map[string]any{"external_network": "public"}, row.parameters)
			f := &fakeSite{t: t}
			if p["subnet"] == "GIVEN" {
				f = makeGivenSite(t, p)
			} else {
				f = makeFakeSite(t, p, row.opts...)
			}
			s := f.read("CREATE_COMPLETE")
			for output, value := range s.Outputs {
				if value == nil || value == "" || strings.Contains(fmt.Sprint(value), "hunter2") {
					t.Errorf("output %s is %v", output, value)
				}
			}
			for parameter, value := range s.Parameters {
				if strings.Contains(value, "hunter2") {
					t.Errorf("parameter %s can be read", parameter)
				}
			}
			made, _ := f.fake.Stack("school")
			for _, r := range row.has {
				if made.Resources[r] == "" {
					t.Errorf("no %s in %v", r, slices.Sorted(maps.Keys(made.Resources)))
				}
			}
			for _, r := range row.hasNot {
				if made.Resources[r] != "" {
					t.Errorf("%s was made", r)
				}
			}
		})
	}
}

// makeGivenSite makes a site in a network that another stack made.
func makeGivenSite(t *testing.T, p map[string]any) *fakeSite {
	t.Helper()
	f := &fakeSite{t: t, fake: openstacktest.Start(t)}
	env := f.fake.Env()
	f.cloud, _ = openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
	around, err := f.cloud.CreateStack(t.Context(), openstack.NewStack{Name: "around", Template: around})
	if err != nil {
		t.Fatal(err)
	}
	f.fake.Settle()
	s, err := f.cloud.Stack(t.Context(), around)
	if err != nil {
		t.Fatal(err)
	}
	p["network"], p["subnet"] = s.Outputs["network"], s.Outputs["subnet"]
	f.ref = f.create("school", p)
	return f
}

// around is a network that a site may use without making one.
const around = head + `
resources:
  net: {type: OS::Neutron::Net}
  subnet: {type: OS::Neutron::Subnet, properties: {network: {get_resource: net}, cidr: 10.20.50.0/24}}
  router: {type: OS::Neutron::Router, properties: {external_gateway_info: {network: public}}}
  interface: {type: OS::Neutron::RouterInterface, properties: {router: {get_resource: router}, subnet: {get_resource: subnet}}}
outputs:
  network: {value: {get_resource: net}}
  subnet: {value: {get_resource: subnet}}
`

// userDataOf parts a server's user data: file names and texts.
func userDataOf(t *testing.T, userData string) map[string]string {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(userData))
	if err != nil {
		t.Fatal(err)
	}
	_, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	reader := multipart.NewReader(message.Body, parameters["boundary"])
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		var content io.Reader = part
		if part.Header.Get("Content-Transfer-Encoding") == "base64" {
			content = base64.NewDecoder(base64.StdEncoding, part)
		}
		text, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		parts[part.FileName()] = string(text)
	}
}

var document = regexp.MustCompile(`(?s)put 600 "\$etc/site\.env" <<'SITE_END'\n(.*?)\nSITE_END\n`)

// TestRow14SettingsReachTheMachine has a shell read what the templates made of the parameters, quotation marks and all.
func TestRow14SettingsReachTheMachine(t *testing.T) {
	t.Parallel()
	f := makeFakeSite(t, siteParameters(map[string]any{"bootstrap": "1:token_A-1", "cluster_uuid": "abc-1", "backend_restore": "2026-11-23T02"}))
	s := f.read("CREATE_COMPLETE")
	addresses := strings.Trim(fmt.Sprint(s.Outputs["backend_addresses"]), "[]")
	volumes, _ := s.Outputs["volumes"].(map[string]any)
	for server, want := range map[string]map[string]string{
		"school-backend-1": {
			"SITE": "school", "ROLE": "backend", "NAME": "school-backend-1", "INDEX": "1", "PEERS": addresses, "MYSQL_VOLUME": fmt.Sprint(volumes["mysql-1"]),
			"MONGODB_VOLUME": fmt.Sprint(volumes["mongodb-1"]), "CLUSTER_UUID": "abc-1", "RESTORE": "2026-11-23T02", "BOOTSTRAP": "1:token_A-1", "BACKUP_HOUR": "3",
			"MYSQL_SST_PASSWORD": secret + "mysql_sst_password", "MONGODB_KEY": secret + "mongodb_key", "S3_SECRET_KEY": secret + "s3_secret_key", "OPENEDX_SECRET_KEY": "",
		},
		"school-app-0": {
			"SITE": "school", "ROLE": "app", "NAME": "school-app-0", "PEERS": addresses, "APP_PORT": "80", "HEALTH_PORT": "8079", "LMS_HOST": "lms.example.org",
			"PLATFORM_NAME": `L'école "d'été" $HOME`, "CONTACT_EMAIL": "o'hara@example.org", "SETTINGS": `{"LIST": [1, true], "THEME": "it's"}`, "RELEASE": "ulmo",
			"S3_ENDPOINT": "https://s3.example.org/", "BACKUP_BUCKET": "backups", "CMS_OAUTH2_SECRET": secret + "cms_oauth2_secret", "MYSQL_SST_PASSWORD": "", "MONGODB_KEY": "",
		},
	} {
		script := userDataOf(t, f.fake.UserData(server))["machine.sh"]
		m := document.FindStringSubmatch(script)
		if m == nil {
			t.Fatalf("%s has no site.env", server)
		}
		file := filepath.Join(t.TempDir(), "site.env")
		if err := os.WriteFile(file, []byte(m[1]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for key, value := range want {
			out, err := exec.CommandContext(t.Context(), "env", "-i", "sh", "-c", `. "$1"; eval "printf %s \"\${$2-}\""`, "sh", file, key).CombinedOutput()
			if err != nil || string(out) != value {
				t.Errorf("%s: %s is %d characters, want %d (%v)", server, key, len(out), len(value), err)
			}
		}
		if left := regexp.MustCompile(`@[a-z_0-9]+@`).FindString(m[1]); left != "" {
			t.Errorf("%s: nobody gave %s", server, left)
		}
	}
}

// TestRow14UserDataFits: Nova refuses more than 64 KiB of base64, which is 48 KiB.
func TestRow14UserDataFits(t *testing.T) {
	t.Parallel()
	for _, platform := range []string{"Open edX", "L'école"} {
		f := makeFakeSite(t, siteParameters(map[string]any{"platform_name": platform}))
		for _, server := range []string{"school-backend-0", "school-app-0"} {
			if n := len(f.fake.UserData(server)); n < 2000 || n >= maxUserData {
				t.Errorf("%q: user data of %s is %d bytes", platform, server, n)
			} else {
				t.Logf("%q: user data of %s is %d bytes", platform, server, n)
			}
		}
	}
}

// Row 7.0.13: an LMS that is dead is out of the pool within 30 seconds, whichever the load balancer, and is asked at the port that
// tells the truth.
func TestRow7013DeadLMSIsOutWithinThirtySeconds(t *testing.T) {
	t.Parallel()
	template := siteTemplate(t)
	for _, kind := range []string{"octavia", "lbaasv2"} {
		text := template.Files["site-lb-"+kind+".yaml"]
		number := func(name string) int {
			found := regexp.MustCompile(`\n      ` + name + `: ([0-9]+)\n`).FindStringSubmatch(text)
			if found == nil {
				t.Fatalf("%s: no %s", kind, name)
			}
			n := 0
			_, _ = fmt.Sscan(found[1], &n)
			return n
		}
		if worst := number("delay")*number("max_retries") + number("timeout"); worst >= 30 || worst <= 0 {
			t.Errorf("%s: %d seconds", kind, worst)
		}
		if !strings.Contains(text, "url_path: /heartbeat") {
			t.Errorf("%s asks something else", kind)
		}
		if member := regexp.MustCompile(`monitor_port: 8079`); kind == "octavia" && !member.MatchString(template.Files["site-app-node.yaml"]) {
			t.Errorf("%s asks another port", kind)
		}
	}
}

// Row 7.0.7: no node's address is written down anywhere, so there is no last one.
func TestRow7007NoTableOfAddresses(t *testing.T) {
	t.Parallel()
	template := siteTemplate(t)
	for name, text := range template.Files {
		if strings.HasSuffix(name, ".yaml") && regexp.MustCompile(`ip_address: +["']?[0-9]`).MatchString(text) {
			t.Errorf("%s has an address", name)
		}
	}
	if regexp.MustCompile(`ip_address: +["']?[0-9]`).MatchString(template.Text) || !strings.Contains(template.Text, "count: {get_param: app_count}") {
		t.Error("site.yaml has an address, or no count")
	}
}
