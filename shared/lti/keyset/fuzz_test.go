package keyset_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/lti/keyset"
)

// FuzzKeySet holds that whatever a platform sends, the answer is a fit key or one of our errors.
func FuzzKeySet(f *testing.F) {
	f.Add(`{"keys":[`+with(nil)+`]}`, "kid", "RS256")
	f.Add(`{"keys":[`+with(map[string]any{"use": "enc", "alg": "RS512"})+`]}`, "kid", "RS512")
	f.Add(`{"keys":[{"kty":"oct","kid":"kid","k":""},{"kty":7},null,[]]}`, "kid", "RS256")
	f.Add(`{"keys":null}`, "", "none")
	f.Fuzz(func(t *testing.T, text, kid, alg string) {
		c := keyset.NewCache(keyset.CacheOptions{Client: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(text))}, nil
		})}})
		key, err := c.Key(t.Context(), "https://lms.example.org/jwks", kid, alg)
		switch {
		case err == nil && key.N.BitLen() >= 2048 && kid != "" && len(alg) == 5 && alg[:2] == "RS":
		case errors.Is(err, keyset.ErrUnknownKey), errors.Is(err, keyset.ErrUnfit), errors.Is(err, keyset.ErrUnavailable):
		default:
			t.Errorf("%q: %v, %v", text, key, err)
		}
	})
}
