package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// maxActivation is more than a body of the largest request in base64 with everything around it.
const maxActivation = 4 << 20

// activation is one line of OpenWhisk's ActionLoop: a web action's raw HTTP request, or any other value.
type activation struct {
	Value    json.RawMessage `json:"value"`
	ID       string          `json:"activation_id"`
	Deadline string          `json:"deadline"` // milliseconds since 1970
}

// webRequest is the value of a web action with raw-http.
type webRequest struct {
	Method  string            `json:"__ow_method"`
	Headers map[string]string `json:"__ow_headers"`
	Path    string            `json:"__ow_path"`
	Query   string            `json:"__ow_query"`
	Body    string            `json:"__ow_body"`
}

// webAnswer is what OpenWhisk makes an HTTP answer of. A header with several values is a list.
type webAnswer struct {
	StatusCode int            `json:"statusCode"`
	Headers    map[string]any `json:"headers"`
	Body       string         `json:"body"`
}

// ActionLoop answers activations, one a line, until there are no more or ctx ends; the one under way then gets its answer. ack
// says that OpenWhisk waits for a line that we are here.
func ActionLoop(ctx context.Context, h http.Handler, log zerolog.Logger, in io.Reader, out io.Writer, ack bool) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if ack {
		if err := encoder.Encode(map[string]bool{"ok": true}); err != nil {
			return fmt.Errorf("say that we are here: %w", err)
		}
	}
	lines := make(chan []byte)
	broken := make(chan error, 1)
	go func() {
		defer close(lines)
		broken <- scan(ctx, in, lines)
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, more := <-lines:
			if !more {
				return <-broken
			}
			if err := encoder.Encode(activated(ctx, h, log, line)); err != nil {
				return fmt.Errorf("answer an activation: %w", err)
			}
		}
	}
}

// scan reads lines until there are no more, or nobody takes them.
func scan(ctx context.Context, in io.Reader, lines chan<- []byte) error {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 64<<10), maxActivation)
	for scanner.Scan() {
		select {
		case lines <- bytes.Clone(scanner.Bytes()):
		case <-ctx.Done():
			return nil
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read an activation: %w", err)
	}
	return nil
}

// activated is the answer to one activation. It always is one: there is nobody to tell an error.
func activated(ctx context.Context, h http.Handler, log zerolog.Logger, line []byte) any {
	var a activation
	if err := json.Unmarshal(line, &a); err != nil {
		log.Error().Err(err).Msg("an activation that is no JSON")
	}
	if ms, err := strconv.ParseInt(a.Deadline, 10, 64); err == nil {
		var end, sooner context.CancelFunc
		ctx, end = context.WithDeadline(ctx, time.UnixMilli(ms))
		defer end()
		ctx, sooner = early(ctx)
		defer sooner()
	}
	var web webRequest
	if err := json.Unmarshal(a.Value, &web); err != nil || web.Method == "" {
		bareRequest := (&event{raw: a.Value}).request(ctx)
		return bareObject(respond(h, log, withCall(bareRequest, a.ID)))
	}
	return answerWeb(respond(h, log, withCall(web.request(ctx), a.ID)))
}

func (web webRequest) request(ctx context.Context) *http.Request {
	r := &http.Request{
		Method: strings.ToUpper(web.Method), URL: location("/"+strings.TrimPrefix(web.Path, "/"), web.Query), Header: http.Header{},
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	r = r.WithContext(ctx)
	for name, value := range web.Headers {
		r.Header.Set(name, value)
	}
	r.Host = r.Header.Get("Host")
	for _, name := range []string{"Host", "Transfer-Encoding", "Connection"} {
		r.Header.Del(name)
	}
	r.RequestURI = r.URL.RequestURI()
	setBody(r, web.Body, web.encoded(r.Header.Get("Content-Type")))
	return r
}

// encoded says whether the body is in base64. Nothing in the line says so: OpenWhisk encodes what is not text by its type,
// and JSON as well, depending on its release (core/controller WebActions.scala).
func (web webRequest) encoded(contentType string) bool {
	kind, _, _ := mime.ParseMediaType(contentType) // what is no type is no text
	if kind == "application/json" || strings.HasSuffix(kind, "+json") {
		return !json.Valid([]byte(web.Body)) && web.Body != ""
	}
	if isText(kind) || kind == "" {
		return false
	}
	_, err := base64.StdEncoding.DecodeString(web.Body)
	return err == nil
}

// isText says whether OpenWhisk takes a body of this type as it is.
func isText(kind string) bool {
	switch kind {
	case "application/json", "application/x-www-form-urlencoded", "application/xml", "application/javascript", "image/svg+xml":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

func answerWeb(a *answer) webAnswer {
	out := webAnswer{StatusCode: a.finished(), Headers: map[string]any{}, Body: a.body.String()}
	for name, values := range a.header {
		out.Headers[name] = strings.Join(values, ", ")
		if name == "Set-Cookie" && len(values) > 1 {
			out.Headers[name] = values // cookies cannot be joined
		}
	}
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil && a.body.Len() > 0 || kind != "" && !isText(kind) || !a.text() {
		out.Body = base64.StdEncoding.EncodeToString(a.body.Bytes())
	}
	return out
}

// bareObject is a bare answer as the object that every activation must give.
func bareObject(a *answer) any {
	a.finished()
	answer := bareAnswer(a)
	var object map[string]any
	if text, ok := answer.(json.RawMessage); ok && json.Unmarshal(text, &object) == nil {
		return answer
	}
	return map[string]any{"result": answer}
}
