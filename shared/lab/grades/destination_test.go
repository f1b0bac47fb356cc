package grades_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/dial"
	"github.com/stackhook/stackhook/shared/lab/grades"
	"github.com/stackhook/stackhook/shared/lti"
	"github.com/stackhook/stackhook/shared/lti/outcome/outcometest"
	"github.com/stackhook/stackhook/shared/seal"
)

func box(t *testing.T) *seal.Box {
	t.Helper()
	b, err := seal.New(seal.Key{ID: "one", Secret: []byte("seal-secret-hunter2-hunter2-hunte-0")})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestS10DestinationIsSealedForOneOwner(t *testing.T) {
	t.Parallel()
	b := box(t)
	d := grades.Destination{Issuer: "https://lms.example.org", ClientID: "c", User: "ada", LineItem: "https://lms.example.org/7", Owner: "lab-of-somebody-else"}
	sealed, err := grades.Seal(b, "lab-ada", d, zero)
	if err != nil || strings.Contains(sealed, "lms") {
		t.Fatalf("%q, %v", sealed, err)
	}
	if got, err := grades.Open(b, "lab-ada", sealed, second(1)); err != nil || got.User != "ada" || got.Owner != "lab-ada" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, owner := range []string{"lab-eve", "", "lab-of-somebody-else"} {
		if got, err := grades.Open(b, owner, sealed, second(1)); err == nil || got.Graded() {
			t.Errorf("%q: %+v, %v", owner, got, err)
		}
	}
	if _, err := grades.Open(b, "lab-ada", sealed, zero.Add(401*24*time.Hour)); !errors.Is(err, seal.ErrExpired) {
		t.Errorf("%v", err)
	}
	// Of another purpose: the address that the lab itself knows.
	url, err := grades.ReportURL(b, "https://hooks.example.org", "lab-ada", zero)
	if err != nil {
		t.Fatal(err)
	}
	_, ticket, _ := strings.Cut(url, "/grade-lab/")
	if _, err := grades.Open(b, "lab-ada", ticket, zero); !errors.Is(err, seal.ErrInvalid) {
		t.Errorf("%v", err)
	}
	if _, err := grades.OpenReport(b, sealed, zero); !errors.Is(err, seal.ErrInvalid) {
		t.Errorf("%v", err)
	}
	if name, err := grades.OpenReport(b, ticket, zero); err != nil || name != "lab-ada" {
		t.Errorf("%q, %v", name, err)
	}
	if sealed, err := grades.Seal(b, "lab-ada", grades.Destination{}, zero); sealed != "" || err != nil {
		t.Errorf("nowhere: %q, %v", sealed, err)
	}
	if got, err := grades.Open(b, "lab-ada", "", zero); err != nil || got.Graded() {
		t.Errorf("nowhere: %+v, %v", got, err)
	}
}

func TestDestinationOf(t *testing.T) {
	t.Parallel()
	score := []string{lti.ScopeScore}
	for name, row := range map[string]struct {
		launch lti.Launch
		graded bool
	}{
		"1.1":                      {lti.Launch{Version: "1.1", Outcome: lti.Outcome{URL: "https://l/o", SourcedID: "s"}}, true},
		"1.1 without a place":      {lti.Launch{Version: "1.1"}, false},
		"1.1, an id not to send":   {lti.Launch{Version: "1.1", Outcome: lti.Outcome{URL: "https://l/o", SourcedID: "\x00"}}, false},
		"1.1, an id too long":      {lti.Launch{Version: "1.1", Outcome: lti.Outcome{URL: "https://l/o", SourcedID: strings.Repeat("s", 3000)}}, false},
		"1.3":                      {lti.Launch{Version: "1.3", Scores: lti.Scores{LineItem: "https://l/7", Scopes: score}}, true},
		"1.3 without a place":      {lti.Launch{Version: "1.3", Scores: lti.Scores{Scopes: score}}, false},
		"1.3 without the scope":    {lti.Launch{Version: "1.3", Scores: lti.Scores{LineItem: "https://l/7"}}, false},
		"1.3, search not allowed":  {lti.Launch{Version: "1.3", Scores: lti.Scores{LineItems: "https://l/", Scopes: score}}, false},
		"1.3, to be searched":      {lti.Launch{Version: "1.3", Scores: lti.Scores{LineItems: "https://l/", Scopes: append(score, lti.ScopeLineItem)}}, true},
		"1.3 with a place of 1.1":  {lti.Launch{Version: "1.3", Outcome: lti.Outcome{URL: "https://l/o", SourcedID: "s"}}, false},
		"a version that is no one": {lti.Launch{Outcome: lti.Outcome{URL: "https://l/o", SourcedID: "s"}}, false},
	} {
		if got := grades.DestinationOf(row.launch); got.Graded() != row.graded {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// nameServer answers every question for an address (RFC 1035) with ip, for no longer than the question.
func nameServer(t *testing.T, ip netip.Addr) string {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		question := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFromUDP(question)
			if err != nil {
				return
			}
			end := 12
			for end < n && question[end] != 0 {
				end += int(question[end]) + 1
			}
			end += 5                                         // the root, type and class
			reply := append([]byte(nil), question[:end]...)  // what follows, EDNS, is not for us
			binary.BigEndian.PutUint16(reply[2:], 0x8180)    // an answer, recursion available
			copy(reply[6:12], []byte{0, 0, 0, 0, 0, 0})      // counts of what follows
			if binary.BigEndian.Uint16(reply[end-4:]) == 1 { // type A
				reply[7] = 1
				reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
				reply = append(reply, ip.AsSlice()...)
			}
			_, _ = conn.WriteToUDP(reply, from)
		}
	}()
	return conn.LocalAddr().String()
}

// A name that was a public address at the launch resolves to our own network when the grade is sent. Not parallel: the
// client asks the process' own resolver.
func TestS04RebindingName(t *testing.T) {
	for _, ip := range []string{"127.0.0.1", "169.254.169.254", "10.0.0.1"} {
		server := nameServer(t, netip.MustParseAddr(ip))
		before := net.DefaultResolver
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "udp", server)
		}}
		if got, err := net.DefaultResolver.LookupNetIP(t.Context(), "ip4", "lms.rebinding.example."); err != nil || got[0].Unmap().String() != ip {
			t.Fatalf("the name server is not asked: %v, %v", got, err)
		}
		for _, v13 := range []bool{false, true} {
			w := begin(t, v13)
			w.cfg.LTI.Consumers[0].OutcomeHosts = []string{"lms.rebinding.example"}
			p := &w.cfg.LTI.Platforms[0]
			p.TokenURL = "https://lms.rebinding.example/token"
			d := grades.Destination{Key: outcometest.Key, Outcome: "https://lms.rebinding.example/outcome", SourcedID: ada}
			if v13 {
				d = grades.Destination{Issuer: p.Issuer, ClientID: p.ClientID, User: adaSub, LineItem: "https://lms.rebinding.example/7", Scopes: []string{lti.ScopeScore}}
			}
			sealed, err := grades.Seal(w.box, owner("ada").Stack, d, w.Now())
			if err != nil {
				t.Fatal(err)
			}
			g, err := grades.New(w.cfg, grades.Options{Client: dial.Client(false, 2*time.Second), Now: w.Now})
			if err != nil {
				t.Fatal(err)
			}
			ref := w.labOf(owner("ada"), 0, sealed)
			if got := w.record(g, ref, passed("1", "up")); got.Did != grades.Parked || got.Why != "forbidden_address" {
				t.Errorf("%s: %+v", ip, got)
			}
		}
		net.DefaultResolver = before
	}
}
