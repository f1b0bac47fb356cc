package site_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/site"
)

// printed are parameters as Heat prints them: text, numbers, JSON.
func printed(parameters map[string]any) map[string]string {
	out := map[string]string{}
	for name, value := range parameters {
		switch v := value.(type) {
		case map[string]any:
			text, _ := json.Marshal(v)
			out[name] = string(text)
		case nil:
			out[name] = ""
		default:
			out[name] = fmt.Sprint(v)
		}
	}
	return out
}

// 7.1 no. 16: the Spec of an export asks for exactly the site that it is of.
func TestRow7116SpecOfAnExportChangesNothing(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"small": `{"hosts": {"lms": "learn.example.org"}, "contact_email": "ops@example.org"}`,
		"large": `{"hosts": {"lms": "learn.example.org", "mfe": "mfe.example.org"}, "contact_email": "ops@example.org", "platform_name": "L'école", "release": "teak",
			"key_name": "ops", "app": {"nodes": 3, "min": 2, "max": 9, "timeout": "40m"}, "backend": {"mysql_gb": 50, "affinity": "soft", "volume_type": "fast", "timeout": "45m"},
			"network": {"id": "net", "subnet": "sub", "external": "public", "admin_cidr": "192.0.2.0/24", "zone": "example.org."},
			"load_balancer": {"tls_container": "https://barbican.example.org/v1/containers/1"}, "storage": {"endpoint": "https://s3.example.org", "bucket": "uploads", "public_bucket": "faces", "make": true, "region": "here"},
			"backup": {"bucket": "dumps", "hour": 5}, "alarm": {"high": 10.5, "low": 2}, "cooldowns": {"in": "20m"}, "settings": {"SMTP_PORT": 25, "LANGUAGE_CODE": "de"}}`,
		"own network": `{"hosts": {"lms": "learn.example.org"}, "contact_email": "ops@example.org", "network": {"cidr": "10.1.0.0/24"}, "alarm": {"off": true}}`,
	} {
		spec, faults, err := site.ReadJSON([]byte(text))
		if err != nil || len(faults) > 0 {
			t.Fatal(name, err, faults)
		}
		template := site.Template{Digest: "d", Defaults: map[string]any{"volume_type": "__DEFAULT__", "listen_port": 80, "cooldown_out": 180, "backend_timeout": 1800, "cidr": "10.90.0.0/24"}}
		want := site.Want{Spec: spec.Fill(site.Defaults{AppImage: "debian", AppFlavor: "m1.small", BackendFlavor: "m1.large"}), Template: template}
		if name != "own network" {
			want.URLs = site.URLs{Out: "o", In: "i"}
		}
		parameters := want.Create(site.KindOctavia, nil, site.NoSecrets())
		for parameter, value := range template.Defaults {
			if _, there := parameters[parameter]; !there {
				parameters[parameter] = value
			}
		}
		h := site.Have{Action: "CREATE", Status: "COMPLETE", Tags: []string{site.TagOurs, site.TagSite}, Parameters: printed(parameters)}
		e := site.ExportOf("academy", h, nil)
		again := site.Want{Spec: e.Spec().Fill(site.Defaults{}), Template: template, URLs: want.URLs}
		if faults := site.Check(again.Spec); len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
		// Where scaling starts is a choice again only if the Spec had made none.
		if spec.App.Nodes == nil {
			again.Spec.App.Nodes = nil
		}
		if c := site.Plan(again, h, site.Ask{Who: "x", Token: "t", Now: time.Unix(1, 0)}); c.Code != site.Unchanged {
			t.Errorf("%s: %s, %v %v", name, c.Code, c.Fields, c.Faults)
		}
	}
}
