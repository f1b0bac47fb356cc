package once

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	prefix = "stackhook:" // others may use the same Redis
	// perStep bounds connecting, writing and reading each, and total all of it: a learner is waiting.
	perStep = time.Second
	total   = 2 * time.Second
	// maxConnections is for one process. A question takes less than a millisecond: more would not be quicker.
	maxConnections = 32
)

type redisOptions struct {
	host, password string
	database       int
	secured        bool
}

type redisStore struct{ pool *redis.Pool }

func newRedis(o redisOptions) Store {
	return redisStore{&redis.Pool{
		DialContext:         o.dial,
		TestOnBorrowContext: alive,
		MaxIdle:             4,
		MaxActive:           maxConnections,
		Wait:                true,
		IdleTimeout:         time.Minute,
		MaxConnLifetime:     5 * time.Minute, // after a failover the name leads to another server
	}}
}

func (o redisOptions) dial(ctx context.Context) (redis.Conn, error) {
	plain := &net.Dialer{Timeout: perStep, KeepAlive: time.Minute}
	dial := plain.DialContext
	if o.secured {
		dial = (&tls.Dialer{NetDialer: plain, Config: &tls.Config{MinVersion: tls.VersionTLS12}}).DialContext
	}
	return redis.DialContext(ctx, "tcp", o.host,
		redis.DialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, perStep) // the handshake counts too
			defer cancel()
			return dial(ctx, network, address)
		}),
		redis.DialReadTimeout(perStep), redis.DialWriteTimeout(perStep),
		redis.DialPassword(o.password), redis.DialDatabase(o.database))
}

// alive finds out whether a connection outlived its rest: servers restart, and a frozen Lambda's connections are cut.
// Asking anew after a question was lost is no way, because the first one may have been heard.
func alive(ctx context.Context, c redis.Conn, rested time.Time) error {
	if time.Since(rested) < time.Second {
		return nil
	}
	_, err := redis.DoContext(c, ctx, "PING")
	return err
}

// First asks with SET NX, which is atomic in Redis.
func (s redisStore) First(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	if ttl < time.Millisecond {
		return false, fmt.Errorf("remember key for %v: must be a millisecond or longer", ttl)
	}
	ctx, cancel := context.WithTimeout(ctx, total)
	defer cancel()
	c, err := s.pool.GetContext(ctx)
	if err != nil {
		return false, fmt.Errorf("connect to Redis: %w", err)
	}
	defer c.Close() // back to the pool, unless it is broken
	hash := sha256.Sum256([]byte(key))
	answer, err := redis.DoContext(c, ctx, "SET", prefix+hex.EncodeToString(hash[:]), "1", "NX", "PX", ttl.Milliseconds())
	switch {
	case err != nil:
		return false, fmt.Errorf("look up seen key in Redis: %w", err)
	case answer == nil:
		return false, nil
	case answer == "OK":
		return true, nil
	}
	return false, errors.New("look up seen key in Redis: its answer makes no sense")
}
