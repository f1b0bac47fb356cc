package registration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/stackhook/stackhook/shared/dial"
)

const maxAnswer = 256 << 10

// errJSON is an answer that came and cannot be read.
var errJSON = errors.New("not the JSON that was expected")

// granted is what we need of the platform's answer (OpenID Connect Dynamic Client Registration 1.0 §3.2 and lti-dr).
type granted struct {
	ClientID string `json:"client_id"`
	Tool     struct {
		Deployment any `json:"deployment_id"` // text by the specification
	} `json:"https://purl.imsglobal.org/spec/lti-tool-configuration"`
}

// deployment is the id of the deployment that the platform has made with the registration, if it has.
func (g granted) deployment() string {
	switch id := g.Tool.Deployment.(type) {
	case string:
		return id
	case json.Number:
		return id.String()
	}
	return ""
}

// introduce posts our metadata. CodeRefused means that the platform has created nothing; CodeUnclear that it may have.
func introduce(ctx context.Context, caller *http.Client, endpoint, token string, metadata map[string]any) (granted, error) {
	text, err := json.Marshal(metadata)
	if err != nil {
		return granted{}, fmt.Errorf("encode metadata: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(text))
	if err != nil {
		return granted{}, refuse(CodeRefused, "make the registration's request", err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	var answer granted
	status, err := exchange(caller, request, &answer)
	switch {
	case neverSent(err):
		return granted{}, refuse(CodeRefused, "the registration endpoint cannot be connected to", err)
	case status >= 400 && status < 500:
		return granted{}, refuse(CodeRefused, fmt.Sprint("the registration endpoint answers ", status), nil)
	case err != nil:
		return granted{}, refuse(CodeUnclear, "read the registration's answer", err)
	case status != http.StatusOK && status != http.StatusCreated:
		return granted{}, refuse(CodeUnclear, fmt.Sprint("the registration endpoint answers ", status), nil)
	case answer.ClientID == "" || len(answer.ClientID) > 255 || len(answer.deployment()) > 255:
		return granted{}, refuse(CodeUnclear, "client_id or deployment_id of the answer is missing or too long", nil)
	}
	return answer, nil
}

// neverSent says that the call failed before there was anybody to send to.
func neverSent(err error) bool {
	trouble, ok := errors.AsType[*net.OpError](err)
	return ok && trouble.Op == "dial"
}

// exchange sends r and reads a good answer's JSON into v.
func exchange(caller *http.Client, r *http.Request, v any) (status int, err error) {
	r.Header.Set("Accept", "application/json")
	answer, err := caller.Do(r)
	if err != nil {
		return 0, fmt.Errorf("call platform: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusCreated {
		return answer.StatusCode, nil
	}
	text, err := dial.Read(answer.Body, maxAnswer)
	if errors.Is(err, dial.ErrTooLarge) {
		return answer.StatusCode, fmt.Errorf("%w: %w", errJSON, err)
	}
	if err != nil {
		return answer.StatusCode, err //nolint:wrapcheck // dial has said what it was doing
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(v); err != nil {
		return answer.StatusCode, fmt.Errorf("%w: %w", errJSON, err)
	}
	return answer.StatusCode, nil
}
