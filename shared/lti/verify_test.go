package lti_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/ltitest"
)

const (
	publicURL = "https://hooks.example.org/launch-lab/launch"
	key       = "academy"
	secret    = "hunter2, a secret of the academy, long enough"
)

var now = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// seen is a store of nonces that can fail.
type seen struct {
	mu    sync.Mutex
	keys  map[string]time.Duration
	err   error
	asked int
}

func (s *seen) First(_ context.Context, key string, ttl time.Duration) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.err != nil {
		return false, s.err
	}
	if _, there := s.keys[key]; there {
		return false, nil
	}
	if s.keys == nil {
		s.keys = map[string]time.Duration{}
	}
	s.keys[key] = ttl
	return true, nil
}

func verifier(s *seen) lti.Verifier {
	return lti.Verifier{
		Consumers: map[string]lti.Consumer{key: {
			Key: key, Secret: secret, Instructors: true,
			Origins: []string{"https://lms.example.org"}, OutcomeHosts: []string{"lms.example.org"},
		}},
		Seen: s,
		Now:  func() time.Time { return now },
	}
}

func launch() ltitest.Launch { return ltitest.New(publicURL, key, secret, "u-7f3a", now) }

// request is l as it arrives.
func request(l ltitest.Launch) lti.Request {
	u, err := url.Parse(l.URL)
	if err != nil {
		panic(err)
	}
	return lti.Request{
		Method: "POST", MediaType: "application/x-www-form-urlencoded", RawQuery: u.RawQuery, Body: l.Body(), PublicURL: publicURL,
	}
}

// refused checks that r gets code, in every other respect like any refusal, and that no nonce was spent on it.
func refused(t *testing.T, r lti.Request, code lti.Code) {
	t.Helper()
	store := &seen{}
	got, err := verifier(store).Verify(t.Context(), r)
	fault, ok := errors.AsType[*lti.Error](err)
	if !ok {
		t.Fatalf("got launch %+v and error %v, want %s", got, err, code)
	}
	if fault.Code != code || fault.Status != lti.Codes()[code] {
		t.Errorf("got %s, status %d (%s), want %s", fault.Code, fault.Status, fault.Detail, code)
	}
	if fault.Status < 400 || fault.Status > 499 {
		t.Errorf("status %d, want 4xx", fault.Status)
	}
	if len(fault.Public) < 20 || !strings.HasSuffix(fault.Public, ".") || len(fault.Fix) < 20 || fault.Detail == "" {
		t.Errorf("%s has no sentence: %q, %q, %q", code, fault.Public, fault.Detail, fault.Fix)
	}
	if store.asked != 0 {
		t.Error("the store of nonces was asked before the launch was known to be good")
	}
	if strings.Contains(err.Error(), secret) {
		t.Error("the error's text holds the secret")
	}
}

func accepted(t *testing.T, r lti.Request) lti.Launch {
	t.Helper()
	got, err := verifier(&seen{}).Verify(t.Context(), r)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return got
}

func TestA00_GoodLaunch(t *testing.T) {
	t.Parallel()
	got := accepted(t, request(launch().With("custom_lab", "web")))
	if got.Tenant != key || got.User != "u-7f3a" || got.Context != "course-v1:Academy+Web101+2026" || got.Custom["lab"] != "web" || got.Role != lti.Learner || got.Version != "1.1" || got.Issuer != "" {
		t.Errorf("launch %+v", got)
	}
}

func TestA01_PostOnly(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD", "PUT", "post", ""} {
		r := request(launch())
		r.Method = method
		refused(t, r, lti.CodeMethod)
	}
}

func TestA01_MediaType(t *testing.T) {
	t.Parallel()
	for _, media := range []string{
		"", "text/plain", "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencodedx",
		"application/x-www-form-urlencoded; charset=iso-8859-1", "application/x-www-form-urlencoded, text/plain",
	} {
		r := request(launch())
		r.MediaType = media
		refused(t, r, lti.CodeMediaType)
	}
	for _, media := range []string{"application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-URLEncoded"} {
		r := request(launch())
		r.MediaType = media
		accepted(t, r)
	}
}

func TestA02_Limits(t *testing.T) {
	t.Parallel()
	many := launch()
	for i := range 300 {
		many = many.With(fmt.Sprintf("custom_%d", i), "x")
	}
	refused(t, request(many), lti.CodeTooLarge)
	refused(t, request(launch().With("custom_x", strings.Repeat("x", 16<<10+1))), lti.CodeTooLarge)
	refused(t, request(launch().With("custom_"+strings.Repeat("x", 249), "x")), lti.CodeTooLarge)
	accepted(t, request(launch().With("custom_x", strings.Repeat("x", 16<<10))))
	accepted(t, request(launch().With("custom_"+strings.Repeat("x", 248), "x")))

	r := request(launch())
	r.Body += "&x=" + strings.Repeat("x", 128<<10)
	refused(t, r, lti.CodeTooLarge)
	r = request(launch())
	r.Body = strings.Repeat("&", 128<<10+1)
	refused(t, r, lti.CodeTooLarge)
}

func TestA03_BrokenEscapes(t *testing.T) {
	t.Parallel()
	for _, pair := range []string{"custom_x=%zz", "custom_x=%", "custom_x=%4", "custom_%zz=x", "custom_x=%ff", "custom_x=\xff", "custom_%c3=x"} {
		r := request(launch())
		r.Body += "&" + pair
		refused(t, r, lti.CodeEncoding)
	}
	r := request(launch())
	r.RawQuery = "a=%zz"
	refused(t, r, lti.CodeEncoding)
}

func TestA03_SemicolonIsData(t *testing.T) {
	t.Parallel()
	got := accepted(t, request(launch().With("custom_x", "1;user_id=other;b")))
	if got.Custom["x"] != "1;user_id=other;b" || got.User != "u-7f3a" {
		t.Errorf("launch %+v", got)
	}
	// Unescaped too, and still one value: net/url would drop the pair.
	l := launch().With("custom_x", "1;2")
	r := request(l)
	r.Body = strings.Replace(l.Body(), "custom_x=1%3B2", "custom_x=1;2", 1)
	if got := accepted(t, r); got.Custom["x"] != "1;2" {
		t.Errorf("custom %q", got.Custom)
	}
}

func TestA03_EscapesInBothCases(t *testing.T) {
	t.Parallel()
	l := launch().With("custom_x", "ü")
	r := request(l)
	r.Body = strings.Replace(l.Body(), "%C3%BC", "%c3%Bc", 1)
	if got := accepted(t, r); got.Custom["x"] != "ü" {
		t.Errorf("custom %q", got.Custom)
	}
}

func TestA04_DuplicateInBody(t *testing.T) {
	t.Parallel()
	for _, pair := range []string{"user_id=other", "user%5Fid=other", "custom_component_display_name=x", "oauth_nonce=x"} {
		r := request(launch())
		r.Body += "&" + pair
		refused(t, r, lti.CodeDuplicate)
	}
}

func TestA04_DuplicateInQueryAndBody(t *testing.T) {
	t.Parallel()
	l := launch().With("theme", "dark")
	l.URL = publicURL + "?theme=light" // signed with both
	refused(t, request(l), lti.CodeDuplicate)
	l = launch()
	l.URL = publicURL + "?a=1&a=1"
	refused(t, request(l), lti.CodeDuplicate)
}

func TestA04_ProtocolNamesInQuery(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"user_id", "oauth_nonce", "custom_lab", "roles", "lis_person_name_full", "context_id", "resource_link_id", "tool_consumer_info_version"} {
		l := launch().Without(name)
		l.URL = publicURL + "?" + name + "=x" // signed all the same
		refused(t, request(l), lti.CodeQuery)
	}
}

func TestA05_Required(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"oauth_consumer_key", "oauth_signature_method", "oauth_nonce", "oauth_timestamp", "lti_message_type", "lti_version", "resource_link_id", "user_id",
	} {
		refused(t, request(launch().Without(name)), lti.CodeMissing)
		refused(t, request(launch().With(name, "")), lti.CodeMissing)
	}
	form := launch().Form()
	form.Del("oauth_signature")
	r := request(launch())
	r.Body = form.Encode()
	refused(t, r, lti.CodeMissing)
	r.Body = ""
	refused(t, r, lti.CodeMissing)
}

func TestA05_MessageTypeAndVersions(t *testing.T) {
	t.Parallel()
	refused(t, request(launch().With("lti_message_type", "ContentItemSelectionRequest")), lti.CodeMessageType)
	refused(t, request(launch().With("lti_version", "1.3.0")), lti.CodeVersion)
	refused(t, request(launch().With("oauth_version", "2.0")), lti.CodeVersion)
	refused(t, request(launch().With("oauth_version", "")), lti.CodeVersion)
	accepted(t, request(launch().Without("oauth_version").Without("oauth_callback")))
}

func TestA06_SignatureMethod(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"PLAINTEXT", "RSA-SHA1", "HMAC-SHA512", "hmac-sha1", "hmac-sha256", "none", " HMAC-SHA1"} {
		refused(t, request(launch().With("oauth_signature_method", method)), lti.CodeSignatureMethod)
	}
}

// One consumer may use HMAC-SHA1, one both methods, one HMAC-SHA256 only.
func TestA06_HMACSHA256OnlyIfListed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		methods      []string
		sha1, sha256 bool
	}{
		{nil, true, false},
		{[]string{"HMAC-SHA1"}, true, false},
		{[]string{"HMAC-SHA1", "HMAC-SHA256"}, true, true},
		{[]string{"HMAC-SHA256"}, false, true},
	} {
		store := &seen{}
		v := verifier(store)
		consumer := v.Consumers[key]
		consumer.Methods = c.methods
		v.Consumers[key] = consumer
		for method, want := range map[string]bool{"HMAC-SHA1": c.sha1, "HMAC-SHA256": c.sha256} {
			store.asked = 0
			_, err := v.Verify(t.Context(), request(launch().With("oauth_signature_method", method)))
			if want && err != nil {
				t.Errorf("%v, %s: %v", c.methods, method, err)
			}
			if fault, ok := errors.AsType[*lti.Error](err); !want && (!ok || fault.Code != lti.CodeSignatureMethod || store.asked != 0) {
				t.Errorf("%v, %s: %v, store asked %d times", c.methods, method, err, store.asked)
			}
		}
	}
}

// Which methods a key may use is told to nobody without its secret.
func TestA06_MethodsDoNotTellKnownKeys(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"HMAC-SHA1", "HMAC-SHA256"} {
		l := launch().With("oauth_signature_method", method)
		refusedAs := func(l ltitest.Launch) string {
			_, err := verifier(&seen{}).Verify(t.Context(), request(l))
			return err.Error()
		}
		l.Secret = "wrong"
		if known, unknown := refusedAs(l), refusedAs(l.With("oauth_consumer_key", "nobody")); known != unknown || !strings.Contains(known, string(lti.CodeSignature)) {
			t.Errorf("%s: %q and %q", method, known, unknown)
		}
	}
}

// A signature of one method is none of the other, though the consumer may use both.
func TestA06_MethodIsTheOneThatSigned(t *testing.T) {
	t.Parallel()
	v := verifier(&seen{})
	consumer := v.Consumers[key]
	consumer.Methods = []string{"HMAC-SHA1", "HMAC-SHA256"}
	v.Consumers[key] = consumer
	for sent, signed := range map[string]string{"HMAC-SHA1": "HMAC-SHA256", "HMAC-SHA256": "HMAC-SHA1"} {
		form := launch().With("oauth_signature_method", signed).Form()
		form.Set("oauth_signature_method", sent)
		r := request(launch())
		r.Body = form.Encode()
		_, err := v.Verify(t.Context(), r)
		if fault, ok := errors.AsType[*lti.Error](err); !ok || fault.Code != lti.CodeSignature {
			t.Errorf("%s signed with %s: %v", sent, signed, err)
		}
	}
}

func TestA07_PublicURL(t *testing.T) {
	t.Parallel()
	l := launch()
	l.URL = "http://hooks.example.org/launch-lab/launch" // the scheme a proxy may have spoken to us
	refused(t, request(l), lti.CodeSignature)
	l.URL = "https://hooks.example.org/launch-lab/launch/"
	refused(t, request(l), lti.CodeSignature)
	for _, same := range []string{"https://HOOKS.example.org:443/launch-lab/launch", "HTTPS://hooks.example.org/launch-lab/launch"} {
		l.URL = same
		accepted(t, request(l))
	}
}

func TestA08_QueryIsSigned(t *testing.T) {
	t.Parallel()
	l := launch()
	l.URL = publicURL + "?norefresh&theme=a+b%20c&empty=&plus=%2B&x=1%3B2"
	accepted(t, request(l))
	r := request(l)
	r.RawQuery = strings.Replace(r.RawQuery, "theme=a", "theme=b", 1)
	refused(t, r, lti.CodeSignature)
	r.RawQuery = ""
	refused(t, r, lti.CodeSignature)
}

func TestA08_HardValues(t *testing.T) {
	t.Parallel()
	l := launch()
	for name, value := range map[string]string{
		"custom_empty": "", "custom_space": " a  b ", "custom_plus": "+", "custom_percent": "100%25", "custom_tilde": "~", "custom_star": "*!'()",
		"custom_utf8": "Übung – 例", "custom_lines": "a\r\nb", "custom_Ünïcode name": "x", "custom_a": "1", "custom_a1": "2", "custom_a-": "3", "custom_emoji": "🎓",
	} {
		l = l.With(name, value)
	}
	if got := accepted(t, request(l)); got.Custom["utf8"] != "Übung – 例" || got.Custom["percent"] != "100%25" {
		t.Errorf("custom %q", got.Custom)
	}
}

func TestA09_WrongSignature(t *testing.T) {
	t.Parallel()
	form := launch().Form()
	good := form.Get("oauth_signature")
	for _, signature := range []string{
		"x", "AAAA", strings.ToLower(good), good + "=", good + "\n", good[:len(good)-5] + "AAAA=", base64.StdEncoding.EncodeToString(make([]byte, 20)), " " + good,
	} {
		form.Set("oauth_signature", signature)
		r := request(launch())
		r.Body = form.Encode()
		refused(t, r, lti.CodeSignature)
	}
}

func TestA09_WrongSecret(t *testing.T) {
	t.Parallel()
	l := launch()
	for _, wrong := range []string{"", "another secret that is long enough!!", secret + " ", secret + "&", "nobody has this secret, it only costs the time"} {
		l.Secret = wrong
		refused(t, request(l), lti.CodeSignature)
	}
}

func TestA09_UnknownKeyLooksLikeAWrongSignature(t *testing.T) {
	t.Parallel()
	unknown := launch().With("oauth_consumer_key", "nobody")
	_, got := verifier(&seen{}).Verify(t.Context(), request(unknown))
	bad := launch()
	bad.Secret = "wrong"
	_, want := verifier(&seen{}).Verify(t.Context(), request(bad))
	if got == nil || want == nil || got.Error() != want.Error() {
		t.Errorf("unknown key: %v, wrong signature: %v", got, want)
	}
	// Not even one that is signed with the text that stands in for the missing secret.
	unknown.Secret = "nobody has this secret, it only costs the time"
	refused(t, request(unknown), lti.CodeSignature)
}

func TestA09_EveryFieldIsSigned(t *testing.T) {
	t.Parallel()
	l := launch()
	signed := l.Form()
	for name := range l.Fields {
		if name == "oauth_signature_method" || name == "lti_message_type" || name == "lti_version" || name == "oauth_version" || name == "oauth_consumer_key" {
			continue // refused by another rule
		}
		form := url.Values{}
		for n := range signed {
			form.Set(n, signed.Get(n))
		}
		form.Set(name, signed.Get(name)+"1")
		r := request(l)
		r.Body = form.Encode()
		refused(t, r, lti.CodeSignature)
	}
}
