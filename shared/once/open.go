package once

import (
	"crypto/sha256"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// opened holds the stores of this process. A configuration is loaded again while the process runs, and the new one must
// know what the old one saw.
var opened = struct {
	sync.Mutex
	stores map[string]Store
}{stores: map[string]Store{}}

// Open is the store at address: "memory", or a Redis as redis://host:port/number, rediss:// with TLS. Whoever opens the
// same address gets the same store, with the clock of the first. It does not connect: a process starts without its Redis.
func Open(address, password string, now func() time.Time) (Store, error) {
	open := func() Store { return Memory(now) }
	if address != "memory" {
		options, err := parseAddress(address, password)
		if err != nil {
			return nil, err
		}
		open = func() Store { return newRedis(options) }
	}
	secret := sha256.Sum256([]byte(password))
	key := address + " " + string(secret[:])
	opened.Lock()
	defer opened.Unlock()
	if opened.stores[key] == nil {
		opened.stores[key] = open()
	}
	return opened.stores[key], nil
}

// parseAddress reads a Redis address. Its errors do not repeat it: people put passwords there.
func parseAddress(address, password string) (redisOptions, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "redis" && u.Scheme != "rediss" {
		return redisOptions{}, errors.New("read store address: it must be memory or such as redis://redis.example.org:6379/0")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return redisOptions{}, errors.New("read store address: it must have no user, password, ? or #")
	}
	database := uint64(0)
	if path := strings.Trim(u.Path, "/"); path != "" {
		if database, err = strconv.ParseUint(path, 10, 16); err != nil {
			return redisOptions{}, errors.New("read store address: what follows the host must be the number of a database, such as /0")
		}
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	return redisOptions{
		host: net.JoinHostPort(u.Hostname(), port), password: password, database: int(database), secured: u.Scheme == "rediss",
	}, nil
}
