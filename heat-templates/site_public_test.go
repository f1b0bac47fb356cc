package heattemplates_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Row 20 of 7: of the containers that a site makes all the world may read one, and not its list; nobody else may write any.
func TestRow7020OnlyPicturesArePublic(t *testing.T) {
	t.Parallel()
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties map[string]any
		}
	}
	if err := yaml.Unmarshal([]byte(siteTemplate(t).Text), &template); err != nil {
		t.Fatal(err)
	}
	rules := map[string]any{}
	for name, r := range template.Resources {
		if r.Type == "OS::Swift::Container" {
			rules[name] = r.Properties["X-Container-Read"]
			if r.Properties["X-Container-Write"] != nil {
				t.Errorf("%s can be written to by others", name)
			}
		}
	}
	if want := map[string]any{"uploads": nil, "public": ".r:*", "backups": nil}; !maps.Equal(rules, want) {
		t.Errorf("read by %v, want %v", rules, want)
	}
}

// The public rule is put on no container that has another use, whatever a caller of the template says.
func TestRow7020PublicRuleReachesNothingElse(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		public string
		made   []string
		url    string
	}{
		"its own":     {"faces", []string{"backups", "public", "uploads"}, "https://swift.example.org/v1/AUTH_project/faces"},
		"none":        {"", []string{"backups", "uploads"}, ""},
		"the uploads": {"uploads", []string{"backups", "uploads"}, ""},
		"the backups": {"backups", []string{"backups", "uploads"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := makeFakeSite(t, siteParameters(map[string]any{"makes_buckets": true, "s3_public_bucket": row.public}))
			f.read("CREATE_COMPLETE")
			s, _ := f.fake.Stack("school")
			made := slices.DeleteFunc(slices.Sorted(maps.Keys(s.Resources)), func(r string) bool { return !slices.Contains([]string{"backups", "public", "uploads"}, r) })
			if !slices.Equal(made, row.made) {
				t.Errorf("made %v, want %v", made, row.made)
			}
			settings := document.FindStringSubmatch(userDataOf(t, f.fake.UserData("school-app-0"))["machine.sh"])
			if settings == nil || !strings.Contains(settings[1], "\nS3_PUBLIC_BUCKET='"+row.public+"'\nS3_PUBLIC_URL='"+row.url+"'\n") {
				t.Error("the node does not know where pictures go")
			}
		})
	}
}

// What Open edX is told: pictures go to the public bucket and are read below its address without a signature; for all else,
// addresses are signed. A name of the operator's own goes before.
func TestRow7020WhereOpenEdXPutsPictures(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		set            map[string]string
		bucket, domain string
		style          string
	}{
		"given by S3":    {map[string]string{"S3_PUBLIC_BUCKET": "faces"}, "faces", "objects.example:8443/faces", "path"},
		"made in Swift":  {map[string]string{"S3_PUBLIC_BUCKET": "faces", "S3_PUBLIC_URL": "https://swift.example/v1/AUTH_p/faces"}, "faces", "swift.example/v1/AUTH_p/faces", "path"},
		"its own domain": {map[string]string{"S3_PUBLIC_BUCKET": "faces", "SETTINGS": `{"S3_PROFILE_IMAGE_CUSTOM_DOMAIN": "cdn.example", "S3_ADDRESSING_STYLE": "virtual"}`}, "faces", "cdn.example", "virtual"},
		"none, private":  {nil, "school", "", "path"},
		"public by hand": {map[string]string{"SETTINGS": `{"S3_PROFILE_IMAGE_BUCKET": "backup", "S3_PROFILE_IMAGE_CUSTOM_DOMAIN": "cdn.example", "S3_CUSTOM_DOMAIN": "cdn.example", "S3_DEFAULT_ACL": "public-read", "S3_GRADE_BUCKET": "faces", "S3_FILE_UPLOAD_BUCKET": "faces"}`}, "school", "", "path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := appNode(t, "app-1", row.set)
			n.config()
			var got map[string]any
			n.yaml("/srv/tutor/config.yml", &got)
			for key, want := range map[string]any{
				"S3_PROFILE_IMAGE_BUCKET": row.bucket, "S3_PROFILE_IMAGE_CUSTOM_DOMAIN": row.domain, "S3_ADDRESSING_STYLE": row.style,
				"S3_STORAGE_BUCKET": "school", "S3_FILE_UPLOAD_BUCKET": "school", "S3_GRADE_BUCKET": "school", "S3_CUSTOM_DOMAIN": "", "S3_DEFAULT_ACL": nil,
			} {
				if value, there := got[key]; value != want || !there {
					t.Errorf("%s is %v, want %v", key, value, want)
				}
			}
		})
	}
}

// A node whose settings would have all the world read uploads or backups does not start, and says why.
func TestRow7020PublicBucketIsNoOther(t *testing.T) {
	t.Parallel()
	for _, bucket := range []string{"school", "backup"} {
		o := newOutside(t)
		n := appNode(t, "app-1", map[string]string{"S3_PUBLIC_BUCKET": bucket, "HEALTH_PORT": health(t, 200)})
		n.write("/etc/stackhook/signal", o.details())
		n.env = append(n.env, "HEALTH_WAIT=1")
		if out, code := n.run("boot-app"); code == 0 {
			t.Errorf("%s: %s", bucket, out)
		}
		heard := o.heard()
		if len(heard) != 1 || heard[0].Status != "FAILURE" || !strings.Contains(fmt.Sprint(heard[0].Data), "all the world may read the bucket "+bucket) {
			t.Errorf("%s: heard %+v", bucket, heard)
		}
		if slices.ContainsFunc(n.told(), func(line string) bool { return strings.HasPrefix(line, "tutor") }) {
			t.Errorf("%s: did %v", bucket, n.told())
		}
	}
}
