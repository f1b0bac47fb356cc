package heattemplates_test

import (
	"maps"
	"strings"
	"testing"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
)

// secret is one as long as any that deploy-site makes, but the key of the LMS.
const secret = "hunter2+0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ="

// siteParameters are a site's, with what a test wants otherwise.
func siteParameters(more ...map[string]any) map[string]any {
	secrets := map[string]any{"jwt_rsa_private_key": "hunter2" + strings.Repeat("A", 2400)}
	for _, name := range []string{
		"mysql_root_password", "mysql_password", "mysql_sst_password", "mongodb_key", "mongodb_admin_password", "mongodb_password",
		"redis_password", "search_key", "openedx_secret_key", "cms_oauth2_secret", "s3_access_key", "s3_secret_key",
	} {
		secrets[name] = secret + name
	}
	p := map[string]any{
		"app_image": "debian-12", "app_flavor": "m1.small", "backend_image": "debian-12", "backend_flavor": "m1.small",
		"backend_affinity": "soft", // the test cloud has three hosts, which many sites share
		"mysql_size":       1, "mongodb_size": 1,
		"lms_host": "lms.example.org", "studio_host": "studio.example.org", "mfe_host": "apps.example.org", "search_host": "search.example.org",
		"platform_name": `L'école "d'été" $HOME`, "contact_email": "o'hara@example.org", "settings": map[string]any{"THEME": "it's", "LIST": []any{1, true}},
		"s3_endpoint": "https://s3.example.org/", "s3_bucket": "uploads", "backup_bucket": "backups", "secrets": secrets,
	}
	for _, m := range more {
		maps.Copy(p, m)
	}
	return p
}

func siteTemplate(t *testing.T) heattemplates.Template {
	t.Helper()
	template, err := heattemplates.Load("site.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// volumeNames are the keys of the output volumes.
var volumeNames = []string{"mongodb-0", "mongodb-1", "mongodb-2", "mysql-0", "mysql-1", "mysql-2"}
