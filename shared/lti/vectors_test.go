package lti_test

import (
	"encoding/base64"
	"testing"

	"github.com/stackhook/stackhook/shared/lti"
)

// The three signed requests of RFC 5849 section 1.2.
func TestVectorsRFC5849Requests(t *testing.T) {
	t.Parallel()
	const consumerSecret = "kd94hf93k423kf44"
	for _, c := range []struct {
		name, method, uri, tokenSecret, want string
		fields                               []lti.Field
	}{
		{"initiate", "POST", "https://photos.example.net/initiate", "", "74KNZJeDHnMBp0EMJ9ZHt/XKycU=", []lti.Field{
			{"oauth_consumer_key", "dpf43f3p2l4k3l03"},
			{"oauth_signature_method", "HMAC-SHA1"},
			{"oauth_timestamp", "137131200"},
			{"oauth_nonce", "wIjqoS"},
			{"oauth_callback", "http://printer.example.com/ready"},
			{"oauth_signature", "74KNZJeDHnMBp0EMJ9ZHt/XKycU="},
		}},
		{"token", "POST", "https://photos.example.net/token", "hdhd0244k9j7ao03", "gKgrFCywp7rO0OXSjdot/IHF7IU=", []lti.Field{
			{"oauth_consumer_key", "dpf43f3p2l4k3l03"},
			{"oauth_token", "hh5s93j4hdidpola"},
			{"oauth_signature_method", "HMAC-SHA1"},
			{"oauth_timestamp", "137131201"},
			{"oauth_nonce", "walatlh"},
			{"oauth_verifier", "hfdp7dh39dks9884"},
		}},
		{"photos", "GET", "http://photos.example.net/photos", "pfkkdhi9sl3r4s00", "MdpQcU8iPSUjWoN/UDMsK2sui9I=", []lti.Field{
			{"file", "vacation.jpg"},
			{"size", "original"},
			{"oauth_consumer_key", "dpf43f3p2l4k3l03"},
			{"oauth_token", "nnch734d00sl2jdk"},
			{"oauth_signature_method", "HMAC-SHA1"},
			{"oauth_timestamp", "137131202"},
			{"oauth_nonce", "chapoH"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			base, err := lti.BaseString(c.method, c.uri, c.fields)
			if err != nil {
				t.Fatal(err)
			}
			if got := sign(base, consumerSecret, c.tokenSecret); got != c.want {
				t.Errorf("signature %s, want %s\nbase string %s", got, c.want, base)
			}
		})
	}
}

// The request of RFC 5849 section 3.4.1, read from its query, its body and its header.
func TestVectorsRFC5849BaseString(t *testing.T) {
	t.Parallel()
	var fields []lti.Field
	for _, part := range []string{
		"b5=%3D%253D&a3=a&c%40=&a2=r%20b",
		"c2&a3=2+q",
		"oauth_consumer_key=9djdj82h48djs9d2&oauth_token=kkk9d7dh3k39sjv7&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131201&oauth_nonce=7d8f3e4a",
		"oauth_signature=bYT5CMsGcbgUdFHObYMEfcx6bsw%3D",
	} {
		more, err := lti.ParseForm(part)
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, more...)
	}
	got, err := lti.BaseString("POST", "http://example.com/request", fields)
	if err != nil {
		t.Fatal(err)
	}
	const want = "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26" +
		"oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// The value printed in the RFC does not come out of its own base string; this one does, with the secrets of its example.
	if got := sign(got, "j49sk3j29djd", "dh893hdasih9"); got != "r6/TJjbCOr97/+UU0NsvSne7s5g=" {
		t.Errorf("signature %s", got)
	}
}

// RFC 5849 section 3.4.1.2 and the corner cases of its rules.
func TestVectorsRFC5849BaseURI(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"http://EXAMPLE.COM:80/r%20v/X?id=123":  "http://example.com/r%20v/X",
		"https://www.example.net:8080/?q=1":     "https://www.example.net:8080/",
		"http://example.com":                    "http://example.com/",
		"https://example.com:443/x":             "https://example.com/x",
		"https://example.com:80/x":              "https://example.com:80/x",
		"http://example.com:/x":                 "http://example.com/x",
		"HTTPS://Example.com/CaseStays":         "https://example.com/CaseStays",
		"https://example.com/a%2Fb/%7Ec/~d":     "https://example.com/a%2Fb/%7Ec/~d",
		"http://[::1]/launch":                   "http://[::1]/launch",
		"http://[::1]:80/launch":                "http://[::1]/launch",
		"http://[::1]:8080/launch":              "http://[::1]:8080/launch",
		"https://example.com/launch#fragment":   "https://example.com/launch",
		"https://example.com//double//slashes/": "https://example.com//double//slashes/",
	} {
		got, err := lti.BaseURI(raw)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", raw, got, err, want)
		}
	}
	for _, raw := range []string{"", "/launch", "example.com/launch", "ftp://example.com/", "mailto:x@example.com", "http://%zz/"} {
		if got, err := lti.BaseURI(raw); err == nil {
			t.Errorf("%q gave %q, want an error", raw, got)
		}
	}
}

// The parameter encoding, normalisation and concatenation cases of the OAuth test-case wiki.
func TestVectorsWikiEncoding(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"abcABC123": "abcABC123", "-._~": "-._~", "%": "%25", "+": "%2B", "&=*": "%26%3D%2A", "\n": "%0A", " ": "%20",
		"\u007f": "%7F", "\u0080": "%C2%80", "\u3001": "%E3%80%81",
	} {
		if got := lti.Escape(raw); got != want {
			t.Errorf("escape %q: %s, want %s", raw, got, want)
		}
	}
}

func TestVectorsWikiNormalisation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fields []lti.Field
		want   string // before it is escaped once more
	}{
		{[]lti.Field{{"name", ""}}, "name="},
		{[]lti.Field{{"a", "b"}}, "a=b"},
		{[]lti.Field{{"a", "b"}, {"c", "d"}}, "a=b&c=d"},
		{[]lti.Field{{"a", "x!y"}, {"a", "x y"}}, "a=x%20y&a=x%21y"},
		{[]lti.Field{{"x!y", "a"}, {"x", "a"}}, "x=a&x%21y=a"},
		// "a" before "a1" though "a=" sorts after "a1": names are compared, not pairs.
		{[]lti.Field{{"a1", "1"}, {"a", "2"}, {"a-", "3"}}, "a=2&a-=3&a1=1"},
	} {
		got, err := lti.BaseString("get", "http://example.com", c.fields)
		if err != nil {
			t.Fatal(err)
		}
		if want := "GET&http%3A%2F%2Fexample.com%2F&" + lti.Escape(c.want); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// The wiki's cases signed with HMAC-SHA256, for which neither it nor RFC 5849 has values: these are OpenSSL's.
func TestVectorsHMACSHA256(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ consumerSecret, tokenSecret, base, want string }{
		{"cs", "", "bs", "kWNIhpsQfKsXX+tw7xo2n09Z77xczTK6fc8ZPau76DY="},
		{"cs", "ts", "bs", "9HGKdfyP38c9+AtaEhdNhLubhigOrxSw0l46B8qgPso="},
		{
			"kd94hf93k423kf44", "pfkkdhi9sl3r4s00",
			"GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key%3Ddpf43f3p2l4k3l03%26oauth_nonce%3Dkllo9940pd9333jh%26" +
				"oauth_signature_method%3DHMAC-SHA256%26oauth_timestamp%3D1191242096%26oauth_token%3Dnnch734d00sl2jdk%26oauth_version%3D1.0%26size%3Doriginal",
			"WVPzl1j6ZsnkIjWr7e3OZ3jkenL57KwaLFhYsroX1hg=",
		},
	} {
		got := base64.StdEncoding.EncodeToString(lti.Sign("HMAC-SHA256", c.base, c.consumerSecret, c.tokenSecret))
		if got != c.want {
			t.Errorf("%s/%s: %s, want %s", c.consumerSecret, c.tokenSecret, got, c.want)
		}
	}
}

// The HMAC-SHA1 cases of the OAuth test-case wiki; the last is appendix A of OAuth Core 1.0.
func TestVectorsWikiHMAC(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ consumerSecret, tokenSecret, base, want string }{
		{"cs", "", "bs", "egQqG5AJep5sJ7anhXju1unge2I="},
		{"cs", "ts", "bs", "VZVjXceV7JgPq/dOTnNmEfO0Fv8="},
		{
			"kd94hf93k423kf44", "pfkkdhi9sl3r4s00",
			"GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key%3Ddpf43f3p2l4k3l03%26oauth_nonce%3Dkllo9940pd9333jh%26" +
				"oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D1191242096%26oauth_token%3Dnnch734d00sl2jdk%26oauth_version%3D1.0%26size%3Doriginal",
			"tR3+Ty81lMeYAr/Fid0kMTYa/WM=",
		},
	} {
		if got := sign(c.base, c.consumerSecret, c.tokenSecret); got != c.want {
			t.Errorf("%s/%s: %s, want %s", c.consumerSecret, c.tokenSecret, got, c.want)
		}
	}
}

func sign(base, consumerSecret, tokenSecret string) string {
	return base64.StdEncoding.EncodeToString(lti.Sign("HMAC-SHA1", base, consumerSecret, tokenSecret))
}
