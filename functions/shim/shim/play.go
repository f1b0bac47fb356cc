package shim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/function"
)

// player plays the callers of the functions. What it sends goes through the same handlers as everybody's requests.
type player struct {
	shim *Shim
	all  http.Handler
}

// answer is a function's answer to a played call, as the page wants it.
type answer struct {
	Code int `json:"code"`
	// Title is the sentence that matters, where the answer itself has none.
	Title   string          `json:"title,omitempty"`
	Answer  json.RawMessage `json:"answer"`
	Curl    string          `json:"curl,omitempty"`
	Done    bool            `json:"done,omitempty"`
	Failed  bool            `json:"failed,omitempty"`
	Percent int             `json:"percent,omitempty"`
	Steps   []step          `json:"steps,omitempty"`
	Address string          `json:"address,omitempty"`
}

type step struct {
	Title string `json:"title"`
	State string `json:"state"`
}

// send calls a function in this very process, as if from outside.
func (p *player) send(ctx context.Context, method, address, token string, body []byte) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body)) //nolint:gosec // goes to our own handler, never out
	if err != nil {
		return answer{}, err
	}
	// The functions are mounted at the root of this address, whatever path a proxy puts before them.
	r.URL.Path = strings.TrimPrefix(r.URL.Path, p.basePath())
	r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:0"
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	got := &buffer{header: http.Header{}}
	p.all.ServeHTTP(got, r)
	a := answer{Code: got.code, Answer: json.RawMessage("null")}
	if json.Valid(got.body.Bytes()) {
		a.Answer = got.body.Bytes()
	}
	return a, nil
}

// ask calls a function with a token of the configuration that may, and reads the answer into out. What the function refuses
// is a fault to show.
func (p *player) ask(ctx context.Context, may, method, path string, body []byte, out any) (fault string, err error) {
	tokens := p.shim.cfg.API.Tokens
	at := slices.IndexFunc(tokens, func(t config.APIToken) bool { return slices.Contains(t.May, may) })
	if at < 0 {
		return "The configuration has no API token that may do this: add one with may: [" + may + "] under api.tokens.", nil
	}
	a, err := p.send(ctx, method, p.shim.base+path, tokens[at].Token.Reveal(), body)
	if err != nil {
		return "", err
	}
	var problem struct{ Detail, Reference string }
	if a.Code >= http.StatusBadRequest && json.Unmarshal(a.Answer, &problem) == nil && problem.Detail != "" {
		return problem.Detail + " (Reference " + problem.Reference + ")", nil
	}
	if err := json.Unmarshal(a.Answer, out); err != nil {
		return "", fmt.Errorf("read the answer to %s: %w", path, err)
	}
	return "", nil
}

func (p *player) basePath() string {
	_, rest, _ := strings.Cut(p.shim.base, "://")
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		return rest[slash:]
	}
	return ""
}

// buffer is an http.ResponseWriter that keeps the answer.
type buffer struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (b *buffer) Header() http.Header { return b.header }

func (b *buffer) WriteHeader(code int) {
	if b.code == 0 {
		b.code = code
	}
}

func (b *buffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(p)
}

// curl is the command that makes the same call. The token stays a variable: a command is easily pasted elsewhere.
func curl(method, address string, body []byte, token bool) string {
	parts := []string{"curl -X " + method + " " + quoted(address)}
	if token {
		parts = append(parts, `-H "Authorization: Bearer $TOKEN"`)
	}
	if body != nil {
		parts = append(parts, "-H 'Content-Type: application/json'", "-d "+quoted(string(body)))
	}
	return strings.Join(parts, " \\\n  ")
}

// quoted is text as one word of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// badForm refuses a form that the page would not have sent.
func badForm(w http.ResponseWriter, r *http.Request, field, message string) {
	function.Fail(w, r, &function.Error{
		Code: "invalid", Status: http.StatusUnprocessableEntity, Public: "The form is not complete: correct what is named and send it again.",
		Faults: []function.Fault{{Field: field, Message: message}},
	})
}
