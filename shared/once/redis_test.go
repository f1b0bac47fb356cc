package once_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/stackhook/stackhook/shared/once"
	"github.com/stackhook/stackhook/shared/once/oncetest"
)

func open(t *testing.T, address, password string) once.Store {
	t.Helper()
	s, err := once.Open(address, password, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// refused gives the error of a store that cannot answer, and fails the test if it takes longer than two seconds.
func refused(t *testing.T, s once.Store, key string) error {
	t.Helper()
	began := time.Now()
	ok, err := s.First(t.Context(), key, time.Minute)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the refusal took %v", took)
	}
	if ok || err == nil {
		t.Fatalf("a store that cannot answer said %v, %v", ok, err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the error holds the password")
	}
	return err
}

func TestR2Redis(t *testing.T) {
	t.Parallel()
	server := oncetest.Start(t)
	s := open(t, server.Address(), "")
	if !first(t, s, "a", 150*time.Millisecond) || !first(t, s, "b", time.Minute) {
		t.Error("a new key is not first")
	}
	if first(t, s, "a", time.Minute) {
		t.Error("a repeat is first")
	}
	time.Sleep(200 * time.Millisecond)
	if !first(t, s, "a", time.Minute) {
		t.Error("after its time a key is still taken; a repeat must not renew it")
	}
	if first(t, s, "b", time.Minute) {
		t.Error("a key is forgotten before its time")
	}
	if ok, err := s.First(t.Context(), "c", time.Microsecond); ok || err == nil {
		t.Errorf("a time that Redis cannot measure: %v, %v", ok, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if ok, err := s.First(ended, "d", time.Minute); ok || err == nil {
		t.Errorf("with an ended context: %v, %v", ok, err)
	}
}

func TestR2KeysInRedis(t *testing.T) {
	t.Parallel()
	server := oncetest.Start(t)
	s := open(t, strings.TrimSuffix(server.Address(), "0")+"3", "")
	first(t, s, "someone@example.org", time.Hour)
	c, err := redis.Dial("tcp", server.Host(), redis.DialDatabase(3))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	keys, err := redis.Strings(c.Do("KEYS", "*"))
	if err != nil || len(keys) != 1 || !strings.HasPrefix(keys[0], "stackhook:") || strings.Contains(keys[0], "example") {
		t.Errorf("database 3 has %q, %v", keys, err)
	}
	if left, err := redis.Int(c.Do("TTL", keys[0])); err != nil || left < 3590 || left > 3600 {
		t.Errorf("the key lives for %d s, %v", left, err)
	}
}

// Two processes have a store each.
func TestR2ExactlyOneOfManyIsFirst(t *testing.T) {
	t.Parallel()
	server := oncetest.Start(t)
	stores := []once.Store{open(t, server.Address(), ""), open(t, strings.TrimSuffix(server.Address(), "/0"), "")}
	if stores[0] == stores[1] {
		t.Fatal("the two stores are one")
	}
	for round := range 5 {
		var wins, answers atomic.Int64
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				ok, err := stores[i%2].First(t.Context(), fmt.Sprint("nonce", round), time.Minute)
				if err == nil {
					answers.Add(1)
				}
				if ok {
					wins.Add(1)
				}
			})
		}
		wg.Wait()
		if wins.Load() != 1 || answers.Load() != 200 {
			t.Errorf("%d of 200 were first, %d were answered; want 1 and 200", wins.Load(), answers.Load())
		}
	}
}

func TestR3RedisIsKilled(t *testing.T) {
	t.Parallel()
	server := oncetest.Start(t)
	s := open(t, server.Address(), "")
	first(t, s, "before", time.Minute)
	server.Kill()
	refused(t, s, "during")
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { refused(t, s, "during") })
	}
	wg.Wait()
	server.Restart()
	if !first(t, s, "after", time.Minute) || first(t, s, "after", time.Minute) {
		t.Error("the store does not work again after a restart")
	}
}

// The connections of before are broken, and nobody noticed: a Lambda that slept, a server that was restarted.
func TestR3RestartBetweenTwoLaunches(t *testing.T) {
	t.Parallel()
	server := oncetest.Start(t)
	s := open(t, server.Address(), "")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { first(t, s, fmt.Sprint("before", i), time.Minute) })
	}
	wg.Wait()
	server.Restart()
	time.Sleep(time.Second)
	if !first(t, s, "after", time.Minute) {
		t.Error("the first launch after a restart is not first")
	}
}

func TestR3ServerThatSaysNothing(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	refused(t, open(t, "redis://"+l.Addr().String(), "hunter2"), "a")
	refused(t, open(t, "rediss://"+l.Addr().String(), "hunter2"), "a")
}

func TestR3ServerThatRefuses(t *testing.T) {
	t.Parallel()
	t.Run("full", func(t *testing.T) {
		t.Parallel()
		if err := refused(t, open(t, oncetest.Start(t, "--maxmemory", "1").Address(), ""), "a"); !strings.Contains(err.Error(), "OOM") {
			t.Error(err)
		}
	})
	t.Run("read-only", func(t *testing.T) {
		t.Parallel()
		server := oncetest.Start(t, "--replicaof", "127.0.0.1 1")
		if err := refused(t, open(t, server.Address(), ""), "a"); !strings.Contains(err.Error(), "READONLY") {
			t.Error(err)
		}
	})
	t.Run("no such database", func(t *testing.T) {
		t.Parallel()
		refused(t, open(t, strings.TrimSuffix(oncetest.Start(t).Address(), "0")+"99", ""), "a")
	})
}

func TestRedisPassword(t *testing.T) {
	t.Parallel()
	server := oncetest.Start(t, "--requirepass", "hunter2-right")
	if !first(t, open(t, server.Address(), "hunter2-right"), "a", time.Minute) {
		t.Error("the right password is not let in")
	}
	for _, wrong := range []string{"", "hunter2-wrong"} {
		refused(t, open(t, server.Address(), wrong), "a")
	}
	refused(t, open(t, oncetest.Start(t).Address(), "hunter2-right"), "a") // nobody set a password there: it is another server
}

func TestRedisWithTLS(t *testing.T) {
	// Not parallel: it sets what this process takes for the system's certificates.
	known, _ := trusted().files(t)
	t.Setenv("SSL_CERT_FILE", known)
	t.Setenv("SSL_CERT_DIR", t.TempDir())

	secured := func(p pair) string {
		certificate, key := p.files(t)
		port := strconv.Itoa(oncetest.FreePort(t))
		oncetest.Start(t, "--tls-port", port, "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate, "--tls-auth-clients", "no")
		return "rediss://127.0.0.1:" + port
	}
	s := open(t, secured(trusted()), "")
	if !first(t, s, "a", time.Minute) || first(t, s, "a", time.Minute) {
		t.Error("over TLS the answers are wrong")
	}
	if err := refused(t, open(t, secured(newPair()), ""), "a"); !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate of nobody: %v", err)
	}
	refused(t, open(t, "rediss"+strings.TrimPrefix(oncetest.Start(t).Address(), "redis"), ""), "a")
}

// pair is a certificate for loopback that signs itself, and its key.
type pair struct{ certificate, key []byte }

// A process reads the system's certificates once: however often the test runs, it has to be the same one.
var trusted = sync.OnceValue(newPair)

func newPair() pair {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: rand.Text()}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return pair{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

// files writes the pair to files.
func (p pair) files(t *testing.T) (certificate, key string) {
	t.Helper()
	certificate, key = filepath.Join(t.TempDir(), "certificate.pem"), filepath.Join(t.TempDir(), "key.pem")
	if err := errors.Join(os.WriteFile(certificate, p.certificate, 0o600), os.WriteFile(key, p.key, 0o600)); err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

func TestMemoryIsOneForTheProcess(t *testing.T) {
	t.Parallel()
	before, after := open(t, "memory", ""), open(t, "memory", "")
	nonce := rand.Text()
	if !first(t, before, nonce, time.Minute) || first(t, after, nonce, time.Minute) {
		t.Error("a configuration that is loaded again forgets what was seen")
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"redis://h", "redis://h/", "rediss://h:1/15", "redis://[::1]:6379/0"} {
		if _, err := once.Open(good, "", time.Now); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "Memory", "disk", "redis:", "redis://", "redis:///0", "http://h", "redis://h/a", "redis://h/-1", "redis://h/1/2", "redis://h/99999",
		"redis://:hunter2@h", "redis://hunter2@h", "redis://h?password=hunter2", "redis://h#hunter2", "redis://:hunter2@h:x",
	} {
		_, err := once.Open(bad, "hunter2", time.Now)
		if err == nil {
			t.Errorf("%q is accepted", strings.ReplaceAll(bad, "hunter2", "***"))
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error about %q holds the password", strings.ReplaceAll(bad, "hunter2", "***"))
		}
	}
}
