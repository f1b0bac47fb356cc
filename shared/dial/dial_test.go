package dial_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/dial"
)

func get(t *testing.T, client *http.Client, address string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err == nil {
		t.Cleanup(func() { answer.Body.Close() })
	}
	return answer, err
}

func TestS04OnlyPublicAddresses(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{
		"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", // loopback
		"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fc00::1", "::ffff:10.0.0.1", // private
		"169.254.169.254", "169.254.0.1", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254", // link-local and metadata
		"0.0.0.0", "::", "0.1.2.3", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "255.255.255.255", "240.0.0.1", "ff02::1", "2001:db8::1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "::7f00:1",
		"fec0::1", "2001::1", "100::1",
	} {
		if dial.Allowed(ip, false) {
			t.Errorf("%s may be called", ip)
		}
	}
	for _, ip := range []string{"93.184.215.14", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "2a00:1450::1"} {
		if !dial.Allowed(ip, false) {
			t.Errorf("%s may not be called", ip)
		}
	}
	for ip, want := range map[string]bool{
		"127.0.0.1": true, "::1": true, "::ffff:127.0.0.1": true, "10.0.0.1": false, "169.254.169.254": false, "0.0.0.0": false,
	} {
		if dial.Allowed(ip, true) != want {
			t.Errorf("with loopback, %s: %v", ip, !want)
		}
	}
}

// The check is made on what a name resolves to, at the moment of connecting.
func TestS04NamesAreCheckedAtDial(t *testing.T) {
	t.Parallel()
	reached := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]"} {
		if _, err := get(t, dial.Client(false, time.Second), "http://"+net.JoinHostPort(strings.Trim(host, "[]"), port)); !errors.Is(err, dial.ErrForbidden) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if reached != 0 {
		t.Errorf("the server was reached %d times", reached)
	}
	if _, err := get(t, dial.Client(true, time.Second), server.URL); err != nil || reached != 1 {
		t.Errorf("with loopback allowed: %v", err)
	}
}

func TestS04RedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.RedirectHandler("http://169.254.169.254/latest/meta-data", http.StatusFound))
	t.Cleanup(server.Close)
	answer, err := get(t, dial.Client(true, time.Second), server.URL)
	if err != nil || answer.StatusCode != http.StatusFound {
		t.Errorf("%v, %v", answer, err)
	}
}

func TestS04ProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:9")
	if dial.Client(false, time.Second).Transport.(*http.Transport).Proxy != nil {
		t.Error("the client has a proxy")
	}
}

func TestASlowAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush() // the head comes at once, the body never
		<-release
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	answer, err := get(t, dial.Client(true, 100*time.Millisecond), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(answer.Body); err == nil {
		t.Error("read to the end")
	}
}

func TestReadIsBounded(t *testing.T) {
	t.Parallel()
	if text, err := dial.Read(strings.NewReader("four"), 4); err != nil || string(text) != "four" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := dial.Read(strings.NewReader("fives"), 4); !errors.Is(err, dial.ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

// An operator's own address may be anywhere, and is called within the same limits.
func TestOwnAddressesHaveTheOtherLimits(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/elsewhere":
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		case "/slow":
			w.(http.Flusher).Flush()
			<-release
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	if answer, err := get(t, dial.Own(time.Minute), server.URL); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%v, %v", answer, err)
	}
	if answer, err := get(t, dial.Own(time.Minute), server.URL+"/elsewhere"); err != nil || answer.StatusCode != http.StatusFound {
		t.Errorf("%v, %v", answer, err)
	}
	answer, err := get(t, dial.Own(100*time.Millisecond), server.URL+"/slow")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(answer.Body); err == nil {
		t.Error("read to the end")
	}
}
