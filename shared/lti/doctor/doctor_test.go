package doctor_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/doctor"
	"github.com/stackhook/stackhook/shared/once/oncetest"
)

var key = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func keyText() config.Secret {
	return config.Secret(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key())}))
}

func jwk(more string) string {
	return fmt.Sprintf(`{"kty":"RSA","kid":"1","n":%q,"e":"AQAB"%s}`, base64.RawURLEncoding.EncodeToString(key().N.Bytes()), more)
}

// platform is a configured platform whose key set is text, and whose clock is ahead of ours.
func platform(t *testing.T, text string, ahead time.Duration) config.Platform {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		fmt.Fprint(w, text)
	}))
	t.Cleanup(server.Close)
	return config.Platform{Issuer: "https://lms.example.org", ClientID: "c", JWKSURL: server.URL, Algorithms: []string{"RS256"}}
}

func with(platforms ...config.Platform) *config.Config {
	return &config.Config{Store: "memory", LTI: config.LTI{Platforms: platforms, ToolKeys: config.ToolKeys{Current: keyText()}}}
}

func TestR13EachFaultIsPrinted(t *testing.T) {
	t.Parallel()
	good := `{"keys":[` + jwk("") + `]}`
	gone := platform(t, "", 0)
	gone.JWKSURL = "http://127.0.0.1:1/keys"
	broken, none, wrong, dead := with(), with(), with(), with()
	broken.LTI.ToolKeys.Next = "hunter2"
	none.LTI.ToolKeys.Current = ""
	none.LTI.Registration = []config.Registration{{Issuer: discovered(t, 404, "")}}
	wrong.Store, wrong.StorePassword = oncetest.Start(t, "--requirepass", "hunter2-right").Address(), "hunter2-wrong"
	killed := oncetest.Start(t)
	killed.Kill()
	dead.Store = killed.Address()

	for name, c := range map[string]struct {
		c     *config.Config
		words string
	}{
		"nobody answers":         {with(gone), "connection refused"},
		"no JSON":                {with(platform(t, "<html>", 0)), "its key set cannot be used (read key set"},
		"no keys":                {with(platform(t, `{"keys":[]}`, 0)), "it is empty"},
		"no usable key":          {with(platform(t, `{"keys":[`+jwk(`,"use":"enc"`)+`]}`, 0)), `(key "1": its use is not sig)`},
		"another algorithm":      {with(platform(t, `{"keys":[`+jwk(`,"alg":"RS512"`)+`]}`, 0)), "it is for RS512"},
		"no kid":                 {with(platform(t, strings.Replace(good, `"kid":"1",`, "", 1), 0)), "it has no kid"},
		"clock behind":           {with(platform(t, good, 90*time.Second)), "behind the platform's"},
		"clock ahead":            {with(platform(t, good, -time.Hour)), "ahead of the platform's"},
		"tool keys":              {broken, "lti.tool_keys: read the next key: it is not PEM"},
		"tool keys for register": {none, "lti.registration needs them"},
		"store's password":       {wrong, "WRONGPASS"},
		"store is down":          {dead, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			faults := doctor.Doctor(t.Context(), c.c, nil, time.Now, &out)
			if faults != 1 || strings.Count(out.String(), "FIX ") != 1 || !strings.Contains(out.String(), c.words) {
				t.Errorf("%d faults, want one with %q:\n%s", faults, c.words, out.String())
			}
			for line := range strings.Lines(out.String()) {
				if !strings.HasPrefix(line, "ok  ") && !strings.HasPrefix(line, "FIX ") {
					t.Errorf("a line begins otherwise: %s", line)
				}
			}
			if strings.Contains(out.String(), "hunter2") {
				t.Error("a secret is printed")
			}
		})
	}
}

func TestR13Well(t *testing.T) {
	t.Parallel()
	c := with(
		platform(t, `{"keys":[`+jwk("")+`,{"kty":"EC","kid":"2"}]}`, 45*time.Second),
		platform(t, `{"keys":[`+jwk("")+`]}`, 0),
	)
	c.Store = oncetest.Start(t).Address()
	var out bytes.Buffer
	if faults := doctor.Doctor(t.Context(), c, nil, time.Now, &out); faults != 0 {
		t.Errorf("%d faults", faults)
	}
	for _, line := range []string{
		"ok  platform \"https://lms.example.org\", client \"c\": 1 usable of 2 keys\n",
		"ok  platform \"https://lms.example.org\", client \"c\": 1 usable of 1 keys\n",
		"ok  lti.tool_keys: they can be used\n",
		"ok  store: " + c.Store + " answers\n",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("missing %q in:\n%s", line, out.String())
		}
	}
}

func TestR13Run(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		faults int
		words  string
	}{
		"public_url: https://hooks.example.org\nseal_keys: [{id: a, secret: hunter2-hunter2-hunter2-hunter2-}]\n": {0, "ok  lti.platforms: there are none"},
		"a: b\n": {1, "FIX configuration: "},
	} {
		var out bytes.Buffer
		if got := doctor.Run(t.Context(), config.Map(map[string]string{config.Variable: text}), &out); got != want.faults || !strings.Contains(out.String(), want.words) {
			t.Errorf("%d, want %d with %q:\n%s", got, want.faults, want.words, out.String())
		}
	}
}
