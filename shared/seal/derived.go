package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"sync"
)

// live is a key with what was derived from it. Every page that looks at its lab comes with a sealed value, and deriving
// anew costs more than opening it.
type live struct {
	Key

	ciphers kept[cipher.AEAD]
	signing kept[[]byte]
}

// derive gives each use of a key its own: a ticket's key can neither sign a URL nor open another purpose's value.
func (k Key) derive(use, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, k.Secret, nil, "stackhook "+use+" "+purpose, 32)
	if err != nil {
		panic("derive key: " + err.Error()) // only for a length HKDF cannot give, and ours is fixed
	}
	return key
}

func (l *live) aead(purpose string) (cipher.AEAD, error) {
	return l.ciphers.get(purpose, func() (cipher.AEAD, error) {
		block, err := aes.NewCipher(l.derive("seal", purpose))
		if err != nil {
			return nil, fmt.Errorf("make cipher: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("make cipher mode: %w", err)
		}
		return aead, nil
	})
}

func (l *live) mac(purpose, text string) []byte {
	key, _ := l.signing.get(purpose, func() ([]byte, error) { return l.derive("sign", purpose), nil }) // which does not fail
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text)) // a hash never fails
	return mac.Sum(nil)
}

// mostKept is more purposes than any program has. Whatever comes after them is made each time.
const mostKept = 32

// kept are things that are made once for each purpose.
type kept[T any] struct {
	mu   sync.Mutex
	made map[string]T
}

func (k *kept[T]) get(purpose string, create func() (T, error)) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if one, known := k.made[purpose]; known {
		return one, nil
	}
	one, err := create()
	if err != nil || len(k.made) == mostKept {
		return one, err
	}
	if k.made == nil {
		k.made = map[string]T{}
	}
	k.made[purpose] = one
	return one, nil
}
