package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/once"
)

// What is printed and what is sent are launches that hold.
func TestSignedLaunchesHold(t *testing.T) {
	t.Parallel()
	verifier := lti.Verifier{Consumers: map[string]lti.Consumer{"k": {Key: "k", Secret: "s"}}, Seen: once.Memory(time.Now), Now: time.Now}
	verify := func(address, media string, body []byte) string {
		launch, err := verifier.Verify(t.Context(), lti.Request{Method: http.MethodPost, MediaType: media, Body: string(body), PublicURL: address})
		if err != nil {
			return err.Error()
		}
		return launch.User + " " + launch.Custom["lab"] + " " + launch.Context
	}
	var address string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, verify(address, r.Header.Get("Content-Type"), body))
	}))
	t.Cleanup(server.Close)
	address = server.URL + "/launch-lab/launch"
	args := []string{"-url", address, "-key", "k", "-user", "ada", "-lab", "web", "-field", "context_id=c 1"}
	var out bytes.Buffer
	if err := run(t.Context(), args, strings.NewReader("s\n"), &out); err != nil {
		t.Fatal(err)
	}
	if got := verify(address, "application/x-www-form-urlencoded", bytes.TrimSpace(out.Bytes())); got != "ada web c 1" {
		t.Errorf("printed: %s", got)
	}
	out.Reset()
	if err := run(t.Context(), append(args, "-send"), strings.NewReader("s\n"), &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "200 OK\nada web c 1" {
		t.Errorf("sent: %s", got)
	}
	for _, wrong := range [][]string{{"-field", "x"}, {"-secret-file", "testdata/nowhere"}, {"-nonsense"}} {
		if err := run(t.Context(), wrong, strings.NewReader("s"), io.Discard); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}
