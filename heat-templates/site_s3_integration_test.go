//go:build integration

package heattemplates_test

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRealRow7020BackupsInSwift has what a site's nodes run for their backups do so in a bucket of a real Swift, over S3, with EC2
// credentials of Keystone's: nobody reads it without them.
func TestRealRow7020BackupsInSwift(t *testing.T) {
	t.Parallel()
	d := newDirect(t)
	bucket := "backups-" + strings.ToLower(rand.Text())
	at := d.at["object-store"] + "/" + bucket
	if status, _, _ := ask(t, http.MethodPut, at, d.token, nil); status != http.StatusCreated {
		t.Fatalf("make the bucket: %d", status)
	}
	t.Cleanup(func() { d.call(t, http.MethodDelete, at, nil, nil) })
	access, key := d.ec2(t)
	address, err := url.Parse(d.at["object-store"])
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{
		"S3_ENDPOINT": "http://" + address.Host, "S3_REGION": "us-east-1", "BACKUP_BUCKET": bucket, "S3_ACCESS_KEY": access, "S3_SECRET_KEY": key,
	}
	n := newSiteNode(t, settings)
	n.env = append(n.env, "S3_PIECE=1M")

	dump, back := filepath.Join(n.root, "dump"), filepath.Join(n.root, "back")
	text := make([]byte, 2<<20+1) // three pieces
	_, _ = rand.Read(text)
	if err := os.WriteFile(dump, text, 0o600); err != nil {
		t.Fatal(err)
	}
	n.must("s3", "put", dump, "logs/one-file")
	n.must("s3", "get", "logs/one-file", back)
	if n.read("/back") != string(text) {
		t.Error("an object came back as another one")
	}
	n.must("bash", "-c", `s3 save mysql/2026-11-23T03 <"$SITE_ROOT/dump"`)
	if out, code := n.run("s3", "load", "mysql/2026-11-23T03"); code == 0 {
		t.Errorf("half a backup was given back: %.100q", out)
	}
	n.must("s3", "seal", "mysql/2026-11-23T03")
	n.must("bash", "-c", `s3 load mysql/2026-11-23T03 >"$SITE_ROOT/restored"`)
	if n.read("/restored") != string(text) {
		t.Error("a backup came back as another one")
	}
	if got := strings.Fields(n.must("s3", "list", "mysql/")); len(got) != 4 {
		t.Errorf("listed %q", got)
	}
	for _, where := range []string{at + "/mysql/2026-11-23T03/done", at, settings["S3_ENDPOINT"] + "/" + bucket + "/mysql/2026-11-23T03/done"} {
		if status, _, _ := ask(t, http.MethodGet, where, "", nil); status < 400 { // where S3 is, Swift says 400 without a signature
			t.Errorf("all the world reads %s: %d", where, status)
		}
	}
	n.must("s3", "remove", "mysql/2026-11-23T03")
	n.must("s3", "delete", "logs/one-file")
	if got := n.must("s3", "list", ""); strings.TrimSpace(got) != "" {
		t.Errorf("%q are left", got)
	}
	n.settings(map[string]string{"S3_ENDPOINT": settings["S3_ENDPOINT"], "S3_REGION": "us-east-1", "BACKUP_BUCKET": bucket, "S3_ACCESS_KEY": access, "S3_SECRET_KEY": "another"})
	if out, code := n.run("s3", "list", ""); code == 0 {
		t.Errorf("listed with a wrong key: %q", out)
	}
}

// ec2 makes credentials for S3, and deletes them at the end of the test.
func (d *direct) ec2(t *testing.T) (access, secret string) {
	t.Helper()
	var made struct {
		Credential struct{ Access, Secret string }
	}
	at := d.keystone + "/users/" + d.user + "/credentials/OS-EC2"
	d.call(t, http.MethodPost, at, map[string]string{"tenant_id": d.project}, &made)
	t.Cleanup(func() { d.call(t, http.MethodDelete, at+"/"+made.Credential.Access, nil, nil) })
	return made.Credential.Access, made.Credential.Secret
}
