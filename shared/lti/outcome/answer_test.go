package outcome_test

import (
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/lti/outcome"
)

func status(inner string) string {
	return `<?xml version="1.0"?><imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"><imsx_POXHeader>` +
		`<imsx_POXResponseHeaderInfo><imsx_statusInfo>` + inner + `</imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader></imsx_POXEnvelopeResponse>`
}

func TestS02Answers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ text, major, description string }{
		"plain": {status(`<imsx_codeMajor>success</imsx_codeMajor><imsx_description>fine</imsx_description>`), "success", "fine"},
		"prefixed, spaced": {`<o:a xmlns:o="x"><o:imsx_statusInfo> <o:imsx_codeMajor> Success
</o:imsx_codeMajor></o:imsx_statusInfo></o:a>`, "success", ""},
		"description first":               {status(`<imsx_description>late</imsx_description><imsx_codeMajor>failure</imsx_codeMajor>`), "failure", "late"},
		"raw ampersand":                   {status(`<imsx_codeMajor>success</imsx_codeMajor><imsx_description>a&b=1 <c</imsx_description>`), "success", "a&b=1"},
		"unknown entity":                  {status(`<imsx_codeMajor>success</imsx_codeMajor><imsx_description>&nbsp;&x;</imsx_description>`), "success", "&nbsp;&x;"},
		"another character set":           {strings.Replace(status(`<imsx_codeMajor>success</imsx_codeMajor>`), `version="1.0"`, `version="1.0" encoding="ISO-8859-15"`, 1), "success", ""},
		"a second say in the description": {status(`<imsx_codeMajor>failure</imsx_codeMajor><imsx_description><imsx_statusInfo><imsx_codeMajor>success</imsx_codeMajor></imsx_statusInfo></imsx_description>`), "failure", ""},
		"cut off behind the code":         {status(`<imsx_codeMajor>failure</imsx_codeMajor>`)[:230], "failure", ""},
	} {
		got, err := outcome.ReadAnswer([]byte(row.text))
		if err != nil || got.Major != row.major || row.description != "" && got.Description != row.description {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, text := range map[string]string{
		"nothing":       "",
		"a page":        "<html><body>Sign in</body></html>",
		"no status":     `<imsx_codeMajor>success</imsx_codeMajor>`,
		"empty code":    status(`<imsx_codeMajor/>`),
		"document type": `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>` + status(`<imsx_codeMajor>success</imsx_codeMajor>`),
		"in a comment":  status(`<!-- <imsx_codeMajor>success</imsx_codeMajor> -->`),
		"our own body":  `<imsx_POXEnvelopeRequest><imsx_POXBody><replaceResultRequest/></imsx_POXBody></imsx_POXEnvelopeRequest>`,
	} {
		if got, err := outcome.ReadAnswer([]byte(text)); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(status(`<imsx_codeMajor>success</imsx_codeMajor><imsx_description>a&b</imsx_description>`)))
	f.Add([]byte(`<!DOCTYPE a>`))
	f.Add([]byte(strings.Repeat("<a>", 1000)))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := outcome.ReadAnswer(text)
		if err == nil && (got.Major == "" || got.Major != strings.TrimSpace(got.Major)) {
			t.Errorf("%+v", got)
		}
		if err == nil && got.Major == "success" && !strings.Contains(strings.ToLower(string(text)), "imsx_codemajor") {
			t.Errorf("success out of nothing: %q", text)
		}
		if err != nil && got != (outcome.Answer{}) {
			t.Errorf("both %+v and %v", got, err)
		}
	})
}
