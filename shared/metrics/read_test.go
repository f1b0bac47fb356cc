package metrics_test

import (
	"bytes"
	"maps"
	"testing"

	"github.com/stackhook/stackhook/shared/metrics"
)

// exposition is in the words of Octavia's prometheus_proxy.py.
const exposition = `# HELP octavia_member_current_sessions Current number of active sessions.
# TYPE octavia_member_current_sessions gauge
octavia_loadbalancer_cpu 3.5
octavia_member_current_sessions{pool="p1:l1",member="m1"} 0
octavia_member_current_sessions{pool="p1:l2",member="m1"} 3 1767604000000
octavia_member_current_sessions { pool = "a \"b\" \\ \n } c" , member="m2", } 1.5e+01
octavia_member_current_sessions_total{member="m3"} 9
octavia_member_current_sessions{member="m4"} many
octavia_member_current_sessions{member="m5} 1
octavia_member_current_sessions{member=m6} 1
octavia_member_current_sessions{member="m7"}
octavia_member_current_sessions{member="m8"} 1 2 3
octavia_member_current_sessions{member="m9" 1
octavia_member_current_sessions 7
`

func TestRead(t *testing.T) {
	t.Parallel()
	want := []metrics.Sample{
		{map[string]string{"pool": "p1:l1", "member": "m1"}, 0},
		{map[string]string{"pool": "p1:l2", "member": "m1"}, 3},
		{map[string]string{"pool": "a \"b\" \\ \n } c", "member": "m2"}, 15},
		{map[string]string{}, 7},
	}
	got := metrics.Read(exposition, "octavia_member_current_sessions")
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i, s := range got {
		if s.Value != want[i].Value || !maps.Equal(s.Labels, want[i].Labels) {
			t.Errorf("got %v, want %v", s, want[i])
		}
	}
	if got := metrics.Read("", "a"); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}

// What is written can be read, whatever the label says.
func FuzzRead(f *testing.F) {
	f.Add("plain", "")
	f.Add("a \"b\"\\n\n}", exposition)
	f.Fuzz(func(t *testing.T, label, text string) {
		metrics.Read(text, "octavia_member_current_sessions") // anything may come; it is survived
		registry := metrics.NewRegistry()
		counter := registry.Counter("c", "help", "l")
		counter.Add(5, label)
		var out bytes.Buffer
		if _, err := registry.WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		got := metrics.Read(out.String(), "c")
		if len(got) != 1 || got[0].Value != 5 || got[0].Labels["l"] != string(bytes.ToValidUTF8([]byte(label), []byte("\uFFFD"))) {
			t.Errorf("%q became %v", out.String(), got)
		}
	})
}
