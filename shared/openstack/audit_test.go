package openstack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/logging"
	"github.com/stackhook/stackhook/shared/openstack"
)

// writers are the methods of Cloud that change something, each as it is called.
func writers() map[string]func(context.Context, *openstack.Cloud) error {
	return map[string]func(context.Context, *openstack.Cloud) error{
		"CreateStack": func(ctx context.Context, c *openstack.Cloud) error {
			_, err := c.CreateStack(ctx, openstack.NewStack{Name: "lab-1", Parameters: map[string]any{"password": "hunter2"}})
			return err
		},
		"EnsureStack": func(ctx context.Context, c *openstack.Cloud) error {
			_, _, err := c.EnsureStack(ctx, openstack.NewStack{Name: "lab-1"})
			return err
		},
		"PatchStack": func(ctx context.Context, c *openstack.Cloud) error {
			return c.PatchStack(ctx, lab, openstack.StackChange{Parameters: map[string]any{"password": "hunter2"}})
		},
		"DeleteStack": func(ctx context.Context, c *openstack.Cloud) error { return c.DeleteStack(ctx, lab) },
		"Act":         func(ctx context.Context, c *openstack.Cloud) error { return c.Act(ctx, lab, openstack.Suspend) },
		"Signal": func(ctx context.Context, c *openstack.Cloud) error {
			return c.Signal(ctx, lab, "handle", openstack.Signal{ID: "x", Data: "hunter2"})
		},
		"CreateKeyPair": func(ctx context.Context, c *openstack.Cloud) error {
			return c.CreateKeyPair(ctx, "k", "ssh-ed25519 hunter2")
		},
		"DeleteKeyPair":    func(ctx context.Context, c *openstack.Cloud) error { return c.DeleteKeyPair(ctx, "k") },
		"DeleteFloatingIP": func(ctx context.Context, c *openstack.Cloud) error { return c.DeleteFloatingIP(ctx, "f1") },
		"ChangeMember": func(ctx context.Context, c *openstack.Cloud) error {
			weight := 0
			return c.ChangeMember(ctx, "p1", "m1", openstack.MemberChange{Weight: &weight})
		},
		"MarkUnhealthy": func(ctx context.Context, c *openstack.Cloud) error {
			return c.MarkUnhealthy(ctx, lab, "node", true, "hunter2")
		},
		"Console": func(ctx context.Context, c *openstack.Cloud) error { _, err := c.Console(ctx, "s1"); return err },
	}
}

// TestAuditEveryWriter: each method that changes something leaves exactly one line that says who, why, what and what came of it.
func TestAuditEveryWriter(t *testing.T) {
	t.Parallel()
	for name, write := range writers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t)
			for _, prefix := range []string{"POST /", "PUT /", "PATCH /", "DELETE /"} {
				p.handle(prefix, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("X-Openstack-Request-Id", "req-0190c1d2-1111-7222-8333-444455556666")
					w.WriteHeader(http.StatusAccepted)
					_, _ = w.Write([]byte(`{"stack":{"id":"s1"},"remote_console":{"url":"https://c?token=hunter2"}}`))
				})
			}
			p.handle("GET /", answers(http.StatusOK, noStacks))
			var log bytes.Buffer
			ctx := logging.WithRequest(t.Context(), logging.New(&log, "f"), "r1")
			logging.Note(ctx, logging.Caller, "api ci")
			_ = write(logging.Because(ctx, "scaled"), p.cloud(t)) // the answer need not please every method
			lines := audits(t, &log)
			if len(lines) != 1 {
				t.Fatalf("%d lines: %s", len(lines), log.String())
			}
			for key, want := range map[string]any{
				"function": "f", "request_id": "r1", "who": "api ci", "why": "scaled", "result": "accepted", "code": float64(202),
				"openstack_request_id": "req-0190c1d2-1111-7222-8333-444455556666",
			} {
				if lines[0][key] != want {
					t.Errorf("%s is %v, want %v", key, lines[0][key], want)
				}
			}
			if lines[0]["what"] == "" || lines[0]["call"] == "" {
				t.Errorf("line %v", lines[0])
			}
			if strings.Contains(log.String(), "hunter2") {
				t.Error("a secret is in the line")
			}
		})
	}
}

// audits are the audit lines of a log.
func audits(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var out []map[string]any
	for text := range strings.Lines(log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if line["message"] == openstack.AuditMessage {
			out = append(out, line)
		}
	}
	return out
}

// TestAuditKnowsAllWriters: the list above has every method of Cloud whose request is made with a method that changes
// something and does not say that it only reads.
func TestAuditKnowsAllWriters(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	calls := map[string][]string{} // which methods of Cloud each one calls
	for name, body := range methods(t) {
		ast.Inspect(body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "request" && changes(n) {
					found[name] = true
				}
			case *ast.SelectorExpr:
				if receiver, ok := n.X.(*ast.Ident); ok && receiver.Name == "c" {
					calls[name] = append(calls[name], n.Sel.Name)
				}
			}
			return true
		})
	}
	for grew := true; grew; {
		grew = false
		for name, used := range calls {
			if !found[name] && slices.ContainsFunc(used, func(u string) bool { return found[u] }) {
				found[name], grew = true, true
			}
		}
	}
	maps.DeleteFunc(found, func(name string, _ bool) bool { return !ast.IsExported(name) })
	got, want := slices.Sorted(maps.Keys(writers())), slices.Sorted(maps.Keys(found))
	if !slices.Equal(got, want) {
		t.Errorf("the list has %q; methods that change something: %q", got, want)
	}
	if len(want) < 10 {
		t.Errorf("found %d methods that change something", len(want))
	}
}

// methods are the bodies of Cloud's methods, by name.
func methods(t *testing.T) map[string]*ast.BlockStmt {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*ast.BlockStmt{}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv != nil && f.Body != nil && receiver(f) == "Cloud" {
				out[f.Name.Name] = f.Body
			}
		}
	}
	return out
}

func receiver(f *ast.FuncDecl) string {
	kind := f.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	name, _ := kind.(*ast.Ident)
	return name.Name
}

// changes says that a request is not made with GET and does not say reads: true.
func changes(lit *ast.CompositeLit) bool {
	writes := false
	for _, element := range lit.Elts {
		field, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		switch key, _ := field.Key.(*ast.Ident); key.Name {
		case "method":
			method, ok := field.Value.(*ast.SelectorExpr)
			writes = !ok || method.Sel.Name != "MethodGet" // what is no constant may be anything
		case "reads":
			return false
		}
	}
	return writes
}

// A call that is refused, and one that nobody answers, leave lines as well; what only reads leaves none.
func TestAuditOfFailuresAndReads(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	p.handle("DELETE /heat/v1/p1/stacks/", answers(http.StatusConflict, `{}`))
	p.handle("GET /heat/v1/p1/stacks", answers(http.StatusOK, noStacks))
	p.handle("POST /heat/v1/p1/stacks/preview", answers(http.StatusOK, `{"stack":{"resources":[]}}`))
	p.handle("POST /heat/v1/p1/validate", answers(http.StatusOK, `{}`))
	p.handle("PATCH /heat/v1/p1/stacks/", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	var log bytes.Buffer
	ctx := logging.WithRequest(t.Context(), logging.New(&log, "f"), "r1")
	cloud := p.cloud(t)
	_, _ = cloud.FindStack(ctx, "x")
	_, _ = cloud.PreviewStack(ctx, openstack.NewStack{Name: "x"})
	_ = cloud.ValidateTemplate(ctx, "x", nil)
	if lines := audits(t, &log); len(lines) != 0 {
		t.Errorf("reading left %v", lines)
	}
	logging.Note(ctx, "decision", "end")
	wantCode(t, cloud.DeleteStack(ctx, lab), openstack.Busy)
	wantCode(t, cloud.PatchStack(ctx, lab, openstack.StackChange{}), openstack.Unavailable)
	lines := audits(t, &log)
	if len(lines) != 2 || lines[0]["result"] != "refused" || lines[0]["code"] != float64(409) || lines[0]["why"] != "end" || lines[0]["who"] != "unknown" || lines[0]["what"] != "delete stack lab-1" {
		t.Fatalf("lines %v", lines)
	}
	if _, coded := lines[1]["code"]; coded || lines[1]["result"] != "unknown" {
		t.Errorf("line %v", lines[1])
	}
	if got := logging.Noted(ctx, "openstack_failed"); got != "heat PATCH /stacks/{}/{} no answer" {
		t.Errorf("noted %q", got)
	}
}
