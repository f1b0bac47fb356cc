package deploysite_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// exportOf is the export of the site academy, as text.
func (h *house) exportOf() string {
	h.t.Helper()
	r := h.send(http.MethodGet, "/sites/academy/export", "")
	if r.status != http.StatusOK {
		h.t.Fatalf("%d %s", r.status, r.text)
	}
	return r.text
}

// 7.1 no. 16: a site's export makes the same site again: with its own volumes, or elsewhere with new ones; twice is once, and no
// secret is in it.
func TestRow7116ExportMakesTheSiteAgain(t *testing.T) {
	t.Parallel()
	h := start(t)
	full := spec("storage", `{"endpoint": "https://s3.example.org", "bucket": "uploads", "access_key": "hunter2-access", "secret_key": "hunter2-secret"}`,
		"settings", `{"SMTP_PORT": 2525, "LANGUAGE_CODE": "de"}`, "cooldowns", `{"out": "90s"}`, "backup", `{"bucket": "dumps", "hour": 5}`)
	h.ready(academy, full)
	text := h.exportOf()
	for _, value := range []string{"mysql_root_password", `"parameter":"secrets"`, `"mysql-0"`, `"template"`} {
		if !strings.Contains(text, value) {
			t.Errorf("no %s in %s", value, text)
		}
	}
	for _, set := range []map[string]string{h.settings("backend-0"), h.settings("app-0")} {
		for name, value := range set {
			if strings.HasSuffix(name, "PASSWORD") || strings.HasSuffix(name, "KEY") {
				if value != "" && strings.Contains(text, value) {
					t.Errorf("%s is in the export", name)
				}
			}
		}
	}
	before, volumes := h.parameters(), h.volumesOf(academy)
	keys := `"storage": {"access_key": "hunter2-access", "secret_key": "hunter2-secret"}`
	same := `{"export": ` + text + `, ` + keys + `}`
	h.post(academy+"/import", same).want(t, http.StatusOK, "unchanged")

	// Elsewhere, under another name, with volumes of its own.
	h.post("school/import", same).want(t, http.StatusAccepted, "created")
	h.cloud.Settle()
	other, _ := h.cloud.Stack("school")
	for _, name := range []string{"lms_host", "settings", "cooldown_out", "backup_hour", "app_count", "app_image", "mysql_size", "s3_bucket", "alarm_high"} {
		if other.Parameters[name] != before[name] {
			t.Errorf("%s is %q, was %q", name, other.Parameters[name], before[name])
		}
	}
	if len(h.volumesOf("school")) != 6 {
		t.Errorf("volumes %v", h.volumesOf("school"))
	}

	// Here again, after a deletion, with the volumes that it had; with keys, as those are in no export.
	h.deletes(academy)
	h.post(academy+"/import", strings.Replace(same, keys, `"volumes": "retained"`, 1)).want(t, http.StatusUnprocessableEntity, "invalid")
	retained := strings.Replace(same, keys, keys+`, "volumes": "retained"`, 1)
	h.post(academy+"/import", retained).want(t, http.StatusAccepted, "created")
	h.post(academy+"/import", retained).want(t, http.StatusOK, "unchanged")
	h.cloud.Settle()
	if now := h.volumesOf(academy); !slices.Equal(slices.Sorted(maps.Keys(now)), slices.Sorted(maps.Keys(volumes))) || h.get(academy).str("state") != "ready" {
		t.Errorf("volumes %v, were %v", now, volumes)
	}
	h.put(academy, full).want(t, http.StatusOK, "unchanged")
}

// deletes ends a site in the two steps that it takes.
func (h *house) deletes(name string) {
	h.t.Helper()
	r := h.send(http.MethodDelete, "/sites/"+name, "")
	h.send(http.MethodDelete, "/sites/"+name+"?confirm="+r.str("confirm"), "").want(h.t, http.StatusAccepted, "deleting")
	h.cloud.Settle()
}

// An export that was changed, however little, makes nothing; one that was only written anew with blanks is good.
func TestRow7116TamperedExportIsRefused(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	text := h.exportOf()
	var document struct {
		Site      map[string]any `json:"site"`
		Signature string         `json:"signature"`
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	pretty, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	h.post(academy+"/import", `{"export": `+string(pretty)+`}`).want(t, http.StatusOK, "unchanged")
	h.wrote()
	volume := h.byPlace(academy, "")["mysql-0"]
	for name, changed := range map[string]string{
		"a parameter":      strings.Replace(text, `"learn.example.org"`, `"evil.example.org"`, 1),
		"a volume":         strings.Replace(text, volume, "00000000-0000-0000-0000-000000000000", 1),
		"the name":         strings.Replace(text, `"name":"academy"`, `"name":"school"`, 1),
		"the digest":       strings.Replace(text, `"template":"`, `"template":"0`, 1),
		"the signature":    strings.Replace(text, `"signature":"`, `"signature":"A`, 1),
		"no signature":     strings.Replace(text, document.Signature, "", 1),
		"another's":        strings.Replace(text, document.Signature, strings.Repeat("A", len(document.Signature)), 1),
		"nothing at all":   `{}`,
		"a key is missing": strings.Replace(text, `"mfe_host":"apps.learn.example.org",`, "", 1),
	} {
		if changed == text {
			t.Fatalf("%s was not changed", name)
		}
		for _, site := range []string{academy, "school"} {
			r := h.post(site+"/import", `{"export": `+changed+`}`)
			if r.str("code") != "signature" || r.status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d %s", name, r.status, r.text)
			}
		}
	}
	for body, want := range map[string]string{
		``: "bad_json", `[]`: "bad_json", `{"export": 1}`: "bad_json", `{"exports": {}}`: "bad_json",
		`{"export": {"site": {"more": 1}}}`: "bad_json", `{"export": ` + text + `, "volumes": "mine"}`: "invalid",
	} {
		if r := h.send(http.MethodPost, "/sites/school/import", body, "Authorization", "Bearer "+ciToken, "Content-Type", "application/json"); r.str("code") != want {
			t.Errorf("%s: %d %s", body, r.status, r.text)
		}
	}
	if got := h.wrote(); len(got) > 0 {
		t.Errorf("wrote %v", got)
	}
	// With the key that signed it retired it is worth nothing.
	h.yaml = strings.Replace(h.yaml, "seal_keys: [{id: one, secret: "+sealSecret+"}]", "seal_keys: [{id: two, secret: seal-secret-hunter2-hunter2-hunte-2}]", 1)
	h.restart()
	h.post("school/import", `{"export": `+text+`}`).want(t, http.StatusUnprocessableEntity, "signature")
}

// 7.1 no. 7: a server of another image or flavor than was asked for is told; one that keeps its own until it is rolled is not.
func TestRow717DriftOfImagesAndFlavors(t *testing.T) {
	t.Parallel()
	h := start(t)
	h.ready(academy, spec())
	h.cloud.AddImage("debian-13")
	h.post(academy+"/check", "").want(t, http.StatusOK, "as_recorded")
	h.put(academy, spec("app", `{"nodes": 2, "min": 1, "max": 5, "image": "debian-13"}`)).want(t, http.StatusAccepted, "changed")
	h.cloud.Settle()
	h.post(academy+"/check", "").want(t, http.StatusOK, "as_recorded")
	all, err := h.client().Servers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		switch s.Name {
		case "academy-app-1":
			h.cloud.RemakeServer(s.ID, "cirros", "")
		case "academy-backend-2":
			h.cloud.RemakeServer(s.ID, "", "m1.tiny")
		}
	}
	h.wrote()
	r := h.post(academy+"/check", "")
	r.want(t, http.StatusOK, "drifted")
	for _, what := range []string{`"what":"image of app 1"`, `"is":"cirros"`, `"was":"debian-12"`, `"what":"flavor of backend 2"`, `"is":"m1.tiny"`, `"was":"m1.large"`} {
		if !strings.Contains(r.text, what) {
			t.Errorf("%s is not told: %s", what, r.text)
		}
	}
	if n := strings.Count(r.text, `"what"`); n != 2 || len(h.wrote()) > 0 {
		t.Errorf("%d things are told: %s", n, r.text)
	}
}
