package once

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"
)

// Store answers whether a key is seen for the first time.
type Store interface {
	// First is true for exactly one caller per key until ttl has passed. On an error the caller must refuse.
	First(ctx context.Context, key string, ttl time.Duration) (bool, error)
}

// sweepEvery is how often expired entries are thrown out. It bounds memory by what arrives in a ttl plus this.
const sweepEvery = time.Minute

type memory struct {
	now func() time.Time

	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time // by hash: an entry's size does not depend on its sender
	swept time.Time
}

// Memory is a store for a single process. Configurations with several replicas need a shared one.
func Memory(now func() time.Time) Store {
	return &memory{now: now, until: map[[sha256.Size]byte]time.Time{}, swept: now()}
}

func (m *memory) First(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("look up seen key: %w", err)
	}
	if ttl <= 0 {
		return false, fmt.Errorf("remember key for %v: must be longer than nothing", ttl)
	}
	hash := sha256.Sum256([]byte(key))
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if now.Sub(m.swept) >= sweepEvery {
		m.sweep(now)
	}
	if until, seen := m.until[hash]; seen && now.Before(until) {
		return false, nil
	}
	m.until[hash] = now.Add(ttl)
	return true, nil
}

func (m *memory) sweep(now time.Time) {
	m.swept = now
	for hash, until := range m.until {
		if !now.Before(until) {
			delete(m.until, hash)
		}
	}
}
