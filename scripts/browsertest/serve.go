package browsertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stackhook/stackhook/scripts/peers"
)

// Certificate is a new certificate for the names, signed by itself: the browsers here take any.
func Certificate(tb testing.TB, names ...string) *peers.Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("make a key: %v", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatalf("make a certificate: %v", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatalf("write the key: %v", err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return &peers.Certificate{Cert: text("CERTIFICATE", cert), Key: text("PRIVATE KEY", secret)}
}

// Site is an HTTPS server at a name of its own, before what it serves is there: its address is known first.
type Site struct {
	URL    string // such as https://hooks.test:41234
	server *httptest.Server
}

// NewSite opens a site at one of the browser's Hosts.
func NewSite(tb testing.TB, host string) *Site {
	tb.Helper()
	made := Certificate(tb, host)
	pair, err := tls.X509KeyPair([]byte(made.Cert), []byte(made.Key))
	if err != nil {
		tb.Fatalf("read the certificate: %v", err)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // a browser breaks off handshakes as it likes
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		tb.Fatalf("read the address: %v", err)
	}
	tb.Cleanup(func() { _ = s.Listener.Close() }) // closed already if it was started
	return &Site{URL: "https://" + net.JoinHostPort(host, port), server: s}
}

// Serve starts the site; the test's end ends it.
func (s *Site) Serve(tb testing.TB, h http.Handler) {
	tb.Helper()
	s.server.Config.Handler = h
	s.server.StartTLS()
	tb.Cleanup(func() {
		s.server.CloseClientConnections() // a browser keeps its connections
		s.server.Close()
	})
}
