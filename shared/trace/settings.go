package trace

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// settings are what the variables say.
type settings struct {
	endpoint string
	headers  http.Header
	service  string
	resource []attribute
	sampler  sampler
}

// read gives nil if traces are off. The names are those of
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and …/protocol/exporter/.
func read(getenv func(string) string, name string) (*settings, error) {
	endpoint := getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if base := getenv("OTEL_EXPORTER_OTLP_ENDPOINT"); endpoint == "" && base != "" {
		endpoint = strings.TrimSuffix(base, "/") + "/v1/traces"
	}
	if endpoint == "" || strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil // off is no fault
	}
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the endpoint of OTEL_EXPORTER_OTLP_… must be an http:// or https:// address") // it may hold a password
	}
	if exporter := getenv("OTEL_TRACES_EXPORTER"); exporter != "" && exporter != "otlp" {
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER is %q; it must be otlp or none", exporter)
	}
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if getenv(variable) == "grpc" {
			return nil, fmt.Errorf("%s is grpc; set http/json, and the collector's port for HTTP, which is 4318 as a rule", variable)
		}
	}
	s := &settings{endpoint: endpoint, service: getenv("OTEL_SERVICE_NAME")}
	var err error
	if s.headers, err = headers(getenv); err != nil {
		return nil, err
	}
	if s.sampler, err = samplerOf(getenv("OTEL_TRACES_SAMPLER"), getenv("OTEL_TRACES_SAMPLER_ARG")); err != nil {
		return nil, err
	}
	return s, s.name(getenv("OTEL_RESOURCE_ATTRIBUTES"), name)
}

// name fills in the resource. OTEL_SERVICE_NAME outranks a service.name among the attributes, and that the function's own.
func (s *settings) name(attributes, function string) error {
	given, err := pairs("OTEL_RESOURCE_ATTRIBUTES", attributes)
	if err != nil {
		return err
	}
	for _, p := range given {
		if p[0] == "service.name" && s.service == "" {
			s.service = p[1]
		}
		if p[0] != "service.name" {
			s.resource = append(s.resource, attribute{p[0], p[1]})
		}
	}
	if s.service == "" {
		s.service = function
	}
	return nil
}

func headers(getenv func(string) string) (http.Header, error) {
	out := http.Header{}
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} { // the second one wins
		list, err := pairs(variable, getenv(variable))
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			out.Set(p[0], p[1])
		}
	}
	return out, nil
}

// pairs reads key=value,…, percent-encoded as W3C baggage is. A fault does not show the text: it may be a credential.
func pairs(variable, text string) ([][2]string, error) {
	var out [][2]string
	for part := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		key, value, found := strings.Cut(part, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); key == "" || !found || err != nil || strings.ContainsAny(value, "\r\n") {
			return nil, fmt.Errorf("%s must be key=value,key=value with values percent-encoded", variable)
		}
		out = append(out, [2]string{key, value})
	}
	return out, nil
}

// sampler decides which requests are told of: those whose id is below the bound, or those that the caller chose.
type sampler struct {
	parent bool // the caller's word counts where there is one
	below  uint64
}

func (s sampler) take(id traceID, parent, theirs bool) bool {
	if parent && s.parent {
		return theirs
	}
	return id.number() < s.below
}

// all is the bound that every id is below: ids are compared by 63 bits.
const all = uint64(1) << 63

func samplerOf(name, arg string) (sampler, error) {
	s := sampler{below: all}
	rest, parent := strings.CutPrefix(name, "parentbased_")
	switch s.parent = parent; rest {
	case "":
		s.parent = true // parentbased_always_on is the default
	case "always_on":
	case "always_off":
		s.below = 0
	case "traceidratio":
		ratio := 1.0
		if arg != "" {
			var err error
			if ratio, err = strconv.ParseFloat(arg, 64); err != nil || math.IsNaN(ratio) || ratio < 0 || ratio > 1 {
				return s, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is %q; it must be a number from 0 to 1", arg)
			}
		}
		if ratio < 1 {
			s.below = uint64(ratio * float64(all))
		}
	default:
		return s, fmt.Errorf("OTEL_TRACES_SAMPLER is %q; it must be always_on, always_off, traceidratio, or one of these behind parentbased_", name)
	}
	return s, nil
}
