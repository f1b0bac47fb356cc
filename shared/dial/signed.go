package dial

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// PostSigned posts JSON with the time and an HMAC-SHA-256 of both in its headers: X-Stackhook-Timestamp, in Unix seconds,
// and X-Stackhook-Signature, "sha256=" and the hex of the HMAC of the timestamp, a period and the body. The signature covers
// the time, so that an old request cannot be sent again for ever. It returns nil when the answer is of 2xx; its errors do
// not hold the address, in which an operator may have put a password.
func PostSigned(ctx context.Context, client *http.Client, address, secret string, body []byte, now time.Time) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", unaddressed(err))
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Stackhook-Timestamp", stamp)
	r.Header.Set("X-Stackhook-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("call: %w", unaddressed(err))
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("it answered %d", answer.StatusCode)
	}
	return nil
}

func unaddressed(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
