package deploy_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
)

// action is what OpenWhisk's API takes.
type action struct {
	Exec struct {
		Kind, Image string
		Code        []byte
		Binary      bool
	}
	Annotations []struct {
		Key   string
		Value bool
	}
	Limits     struct{ Timeout, Memory, Concurrency int }
	Parameters []struct {
		Key, Value string
		Init       bool
	}
}

// The script's actions are started as OpenWhisk's proxy does, and answer.
func TestOpenWhiskRunsWhatIsDeployed(t *testing.T) {
	t.Parallel()
	put := make(chan action, 1)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a action
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&a); err != nil {
			t.Error(err)
		}
		user, key, _ := r.BasicAuth()
		if r.Method != http.MethodPut || r.URL.RequestURI() != "/api/v1/namespaces/_/actions/view-lab?overwrite=true" || user != "user" || key != hunter {
			t.Errorf("%s %s", r.Method, r.URL)
			w.WriteHeader(http.StatusBadRequest)
		}
		put <- a
	}))
	defer api.Close()
	folder := t.TempDir()
	if err := os.Symlink(programs(t), filepath.Join(folder, "bin")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"config.yaml": settings, "env": "# cloud\nOS_CLOUD=\nOS_AUTH_URL=http://127.0.0.1:1/v3\nPORT=80\nOS_TOKEN=x=y\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script, err := filepath.Abs("openwhisk/deploy")
	if err != nil {
		t.Fatal(err)
	}
	deploy := exec.CommandContext(t.Context(), script, "view-lab")
	deploy.Dir = folder
	deploy.Env = append(os.Environ(), "APIHOST="+api.URL, "AUTH=user:"+hunter)
	out, err := deploy.CombinedOutput()
	if err != nil || string(out) != api.URL+"/api/v1/web/_/default/view-lab.http\n" {
		t.Fatalf("%v: %s", err, out)
	}
	a := <-put
	checkAction(t, a)
	answer := activated(t, a)
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Body, "view-lab is up") {
		t.Errorf("answers %+v", answer)
	}
}

func checkAction(t *testing.T, a action) {
	t.Helper()
	if a.Exec.Kind != "blackbox" || !a.Exec.Binary || a.Exec.Image == "" || a.Limits.Timeout <= int(function.MaxTime.Milliseconds()) {
		t.Errorf("action: %s, %s, %v", a.Exec.Kind, a.Exec.Image, a.Limits)
	}
	for _, note := range a.Annotations {
		if !note.Value {
			t.Errorf("%s is off", note.Key)
		}
	}
	env := map[string]string{}
	for _, p := range a.Parameters {
		if env[p.Key] = p.Value; !p.Init {
			t.Errorf("%s is not in the environment", p.Key)
		}
	}
	if env[config.Variable] != settings || env["OS_AUTH_URL"] != "http://127.0.0.1:1/v3" || env["OS_TOKEN"] != "x=y" || len(env) != 3 {
		t.Errorf("%d variables, other than meant", len(env))
	}
}

type webAnswer struct {
	StatusCode int
	Body       string
}

// activated starts the program that is in the action, and asks it one thing.
func activated(t *testing.T, a action) webAnswer {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(a.Exec.Code), int64(len(a.Exec.Code)))
	if err != nil || len(archive.File) != 1 || archive.File[0].Name != "exec" {
		t.Fatalf("code: %v", err)
	}
	in, err := archive.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "exec")
	out, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, archive.File[0].Mode())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	out.Close()
	answers, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.CommandContext(t.Context(), program)
	process.Env = []string{"__OW_EXECUTION_ENV=openwhisk/action-golang-v1.20", "__OW_WAIT_FOR_ACK=1"}
	for _, p := range a.Parameters {
		process.Env = append(process.Env, p.Key+"="+p.Value)
	}
	process.Stdin = strings.NewReader(`{"value": {"__ow_method": "get", "__ow_path": "/healthz", "__ow_headers": {}, "__ow_query": "", "__ow_body": ""}}` + "\n")
	process.ExtraFiles = []*os.File{theirs}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	lines := bufio.NewScanner(answers)
	var last string
	for lines.Scan() {
		last = lines.Text()
	}
	if err := process.Wait(); err != nil {
		t.Errorf("ends with %v", err)
	}
	var answer webAnswer
	if err := json.Unmarshal([]byte(last), &answer); err != nil {
		t.Fatalf("%q: %v", last, err)
	}
	return answer
}
