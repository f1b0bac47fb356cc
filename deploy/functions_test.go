package deploy_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/function"
)

// fnFile is all that Fn knows in a func.yaml and that we use (github.com/fnproject/cli, common/funcfile.go).
type fnFile struct {
	SchemaVersion int `yaml:"schema_version"`
	Name, Version string
	Memory        int
	Timeout       int
	IdleTimeout   int `yaml:"idle_timeout"`
	Triggers      []struct{ Name, Type, Source string }
}

func TestFn(t *testing.T) {
	t.Parallel()
	for _, name := range functions(t) {
		var f fnFile
		strictly(t, "fn/"+name+"/func.yaml", &f)
		if f.Name != name || f.SchemaVersion != 20180708 || time.Duration(f.Timeout)*time.Second <= function.MaxTime || f.Memory < 64 {
			t.Errorf("%s: %+v", name, f)
		}
		if len(f.Triggers) != 1 || f.Triggers[0].Type != "http" || f.Triggers[0].Source != "/"+name {
			t.Errorf("%s is reached by %+v", name, f.Triggers)
		}
	}
}

func TestAzure(t *testing.T) {
	t.Parallel()
	var host struct {
		Version         string `json:"version"`
		FunctionTimeout string `json:"functionTimeout"`
		Extensions      struct {
			HTTP struct {
				RoutePrefix *string `json:"routePrefix"`
			} `json:"http"`
		} `json:"extensions"`
		CustomHandler struct {
			Description struct {
				DefaultExecutablePath string `json:"defaultExecutablePath"`
			} `json:"description"`
			EnableForwardingHTTPRequest bool `json:"enableForwardingHttpRequest"`
		} `json:"customHandler"`
	}
	strictJSON(t, "azure/host.json", &host)
	var hours, minutes, seconds int
	if _, err := fmt.Sscanf(host.FunctionTimeout, "%d:%d:%d", &hours, &minutes, &seconds); err != nil || hours*3600+minutes*60+seconds <= int(function.MaxTime.Seconds()) {
		t.Errorf("functionTimeout is %q, %v", host.FunctionTimeout, err)
	}
	if host.Version != "2.0" || host.Extensions.HTTP.RoutePrefix == nil || *host.Extensions.HTTP.RoutePrefix != "" || !host.CustomHandler.EnableForwardingHTTPRequest {
		t.Errorf("host.json: %+v", host)
	}
	if program := host.CustomHandler.Description.DefaultExecutablePath; !strings.Contains(read(t, "azure/README.md"), "-o dist/azure/$function/"+program+" ") {
		t.Errorf("nothing builds %s", program)
	}
	var trigger struct {
		Bindings []struct {
			Type, Direction, Name, AuthLevel, Route string
			Methods                                 []string
		}
	}
	strictJSON(t, "azure/any/function.json", &trigger)
	if len(trigger.Bindings) != 2 {
		t.Fatalf("bindings %+v", trigger.Bindings)
	}
	in, out := trigger.Bindings[0], trigger.Bindings[1]
	if in.Type != "httpTrigger" || in.Direction != "in" || in.Route != "{*path}" || in.AuthLevel != "anonymous" || out.Type != "http" || out.Direction != "out" {
		t.Errorf("function.json: %+v", trigger)
	}
	// Of the functions' own methods, as the first README has them.
	for _, method := range regexp.MustCompile(`\b(GET|POST|PUT|DELETE|PATCH)\b`).FindAllString(read(t, "../README.md"), -1) {
		if !strings.Contains(" "+strings.Join(in.Methods, " ")+" ", " "+strings.ToLower(method)+" ") {
			t.Errorf("the trigger is deaf to %s", method)
		}
	}
}

func strictJSON(t *testing.T, file string, into any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(read(t, file)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func TestCGI(t *testing.T) {
	t.Parallel()
	text := read(t, "cgi/apache.conf")
	names := functions(t)
	for _, name := range names {
		if !strings.Contains(text, "ScriptAlias /"+name+" /usr/local/lib/stackhook/"+name+"\n") {
			t.Errorf("%s is not served", name)
		}
	}
	if strings.Count(text, "ScriptAlias") != len(names) || !strings.Contains(text, fmt.Sprintf("LimitRequestBody %d\n", function.MaxBody)) || !strings.Contains(text, "CGIPassAuth On") {
		t.Error("apache.conf: another number of functions, another limit, or no Authorization")
	}
}
