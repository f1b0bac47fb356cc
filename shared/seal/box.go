package seal

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// What Open says of a value it does not give back.
var (
	ErrInvalid = errors.New("sealed value is not ours")
	ErrExpired = errors.New("sealed value has expired")
)

// Key is one secret and the name by which sealed values refer to it.
type Key struct {
	ID     string
	Secret []byte // 32 bytes or more
}

// Box seals with its first key and opens with all of them. It is safe for concurrent use.
type Box struct{ keys []*live }

var (
	keyID    = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,32}$`)
	encoding = base64.RawURLEncoding.Strict()
)

// timeSize is the size of the expiry, in Unix seconds, that goes before the value.
const timeSize = 8

// New takes the live keys, newest first.
func New(keys ...Key) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("make box: at least one key is needed")
	}
	box := &Box{}
	seen := map[string]bool{}
	for _, key := range keys {
		switch {
		case !keyID.MatchString(key.ID):
			return nil, fmt.Errorf("make box: key id %q must be 1 to 32 letters, digits or . _ ~ -", key.ID)
		case seen[key.ID]:
			return nil, fmt.Errorf("make box: key id %q is used twice", key.ID)
		case len(key.Secret) < 32:
			return nil, fmt.Errorf("make box: the secret of key %q must have at least 32 bytes", key.ID)
		}
		seen[key.ID] = true
		box.keys = append(box.keys, &live{Key: Key{key.ID, append([]byte(nil), key.Secret...)}})
	}
	return box, nil
}

// Seal encrypts v as JSON. The result is URL-safe: <key id>.<base64url>.
func (b *Box) Seal(purpose string, v any, expires time.Time) (string, error) {
	if expires.Unix() <= 0 {
		return "", errors.New("seal value: it must expire")
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode sealed value: %w", err)
	}
	key := b.keys[0]
	aead, err := key.aead(purpose)
	if err != nil {
		return "", err
	}
	plain := binary.BigEndian.AppendUint64(nil, uint64(expires.Unix()))                //nolint:gosec // checked above
	sealed := aead.Seal(nil, nil, append(plain, text...), additional(purpose, key.ID)) //nolint:gosec // this AEAD draws the nonce itself
	return key.ID + "." + encoding.EncodeToString(sealed), nil
}

// Open decrypts sealed into v. It gives ErrInvalid for everything this box did not make for this purpose, and
// ErrExpired, with v untouched, for what it made but now is not before its expiry.
func (b *Box) Open(purpose, sealed string, v any, now time.Time) error {
	dot := strings.LastIndexByte(sealed, '.')
	// The decoder skips line breaks: without this check a value would have several spellings.
	if dot < 0 || strings.ContainsAny(sealed, "\r\n") {
		return ErrInvalid
	}
	id := sealed[:dot]
	data, err := encoding.DecodeString(sealed[dot+1:])
	if err != nil {
		return ErrInvalid
	}
	for _, key := range b.keys {
		if key.ID != id {
			continue
		}
		aead, err := key.aead(purpose)
		if err != nil {
			return err
		}
		plain, err := aead.Open(nil, nil, data, additional(purpose, id))
		if err != nil || len(plain) < timeSize {
			return ErrInvalid
		}
		if now.Unix() >= int64(binary.BigEndian.Uint64(plain)) { //nolint:gosec // we wrote it, from an int64
			return ErrExpired
		}
		if err := json.Unmarshal(plain[timeSize:], v); err != nil {
			return fmt.Errorf("decode sealed value: %w", err)
		}
		return nil
	}
	return ErrInvalid
}

// Sign is the newest key's signature of text for a purpose: the same for the same input, always.
func (b *Box) Sign(purpose, text string) string {
	return encoding.EncodeToString(b.keys[0].mac(purpose, text))
}

// Verify says whether a live key signed text for this purpose. It takes the same time whatever the signature.
func (b *Box) Verify(purpose, text, signature string) bool {
	got, err := encoding.DecodeString(signature)
	if err != nil || strings.ContainsAny(signature, "\r\n") {
		return false
	}
	ok := false
	for _, key := range b.keys {
		if hmac.Equal(got, key.mac(purpose, text)) {
			ok = true
		}
	}
	return ok
}

func additional(purpose, id string) []byte { return []byte(id + "\x00" + purpose) }
