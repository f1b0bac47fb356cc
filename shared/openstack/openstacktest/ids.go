package openstacktest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// idSource makes ids: from a seed and a counter, so that a test sees the same ones each time, or at random.
type idSource struct {
	seed, count uint64
	random      bool
}

func (s *idSource) bytes() []byte {
	b := make([]byte, 16)
	if s.random {
		_, _ = rand.Read(b)
		return b
	}
	s.count++
	binary.BigEndian.PutUint64(b, s.seed)
	binary.BigEndian.PutUint64(b[8:], s.count)
	sum := sha256.Sum256(b)
	return sum[:16]
}

// hex is an id as Keystone writes it.
func (s *idSource) hex() string { return hex.EncodeToString(s.bytes()) }

// uuid is an id as all others write it (version 4 form).
func (s *idSource) uuid() string {
	b := s.bytes()
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// short is the 12-letter suffix Heat gives to physical names (heat/common/short_id.py: base32 of a uuid).
func (s *idSource) short() string { return s.letters(12, "abcdefghijklmnopqrstuvwxyz234567") }

func (s *idSource) letters(n int, alphabet string) string {
	out := make([]byte, 0, n)
	for len(out) < n {
		for _, b := range s.bytes() {
			if len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}
