package site

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Stores that a rotation gives new secrets to. Those of the object store come from its owner, the others' are drawn.
const (
	StoreMySQL   = "mysql"
	StoreMongoDB = "mongodb"
	StoreRedis   = "redis"
	StoreObjects = "storage"
)

// Stores are all of them, in order.
func Stores() []string { return []string{StoreMySQL, StoreMongoDB, StoreRedis, StoreObjects} }

// secretsOf are the names of a store's secrets.
func secretsOf(store string) []string {
	switch store {
	case StoreMySQL:
		return []string{"mysql_root_password", "mysql_password", "mysql_sst_password"}
	case StoreMongoDB:
		return []string{"mongodb_admin_password", "mongodb_password", "mongodb_key"}
	case StoreRedis:
		return []string{"redis_password"}
	}
	return []string{"s3_access_key", "s3_secret_key"}
}

// DrawSecrets draws new secrets of a store from random, which is crypto/rand's Reader outside tests. The object store's are
// given.
func DrawSecrets(random io.Reader, store string, given Storage) (Secrets, error) {
	if store == StoreObjects {
		return Secrets{map[string]string{"s3_access_key": given.AccessKey.Reveal(), "s3_secret_key": given.SecretKey.Reveal()}}, nil
	}
	values := map[string]string{}
	for _, name := range secretsOf(store) {
		size, encoding := secretBytes, base64.RawURLEncoding
		if name == "mongodb_key" {
			size, encoding = keyfileBytes, base64.StdEncoding
		}
		b := make([]byte, size)
		if _, err := io.ReadFull(random, b); err != nil {
			return Secrets{}, fmt.Errorf("draw secret: %w", err)
		}
		values[name] = encoding.EncodeToString(b)
	}
	return Secrets{values}, nil
}

// slots is the parameter of that name: which of its two places each store's secrets are taken from, and how far a rotation
// is. Nothing of it is secret.
type slots struct {
	Stage  string   `json:"stage,omitempty"`
	Stores []string `json:"stores,omitempty"` // that are being rotated
	Word   words    `json:"word"`
	MySQL  slot     `json:"mysql"`
	Mongo  slot     `json:"mongodb"`
	Redis  slot     `json:"redis"`
	Object slot     `json:"storage"`
}

// words are what nodes that are made now say when they are up, so that it is known what a node was made with.
type words struct {
	Data string `json:"data"`
	App  string `json:"app"`
}

// slot is one store's.
type slot struct {
	Data string `json:"data,omitempty"` // "b", or place a
	App  string `json:"app,omitempty"`
	Both string `json:"both,omitempty"` // "yes": what Data does not name is good as well
	At   int64  `json:"at,omitempty"`   // when the last rotation ended, in Unix seconds
}

func (s *slots) of(store string) *slot {
	switch store {
	case StoreMySQL:
		return &s.MySQL
	case StoreMongoDB:
		return &s.Mongo
	case StoreRedis:
		return &s.Redis
	}
	return &s.Object
}

// slotsIn reads them; known says that the stack's template has them at all.
func slotsIn(parameters map[string]string) (s slots, known bool) {
	text, known := parameters["slots"]
	if json.Unmarshal([]byte(text), &s) != nil {
		return slots{}, known
	}
	return s, known
}

// value is what Heat gets.
func (s *slots) value() map[string]any {
	out := map[string]any{}
	b, err := json.Marshal(s)
	if err != nil || json.Unmarshal(b, &out) != nil {
		return nil // no field of it can fail
	}
	return out
}

// place is the parameter that has the store's secrets which data nodes use.
func (s *slots) place(store string) string { return store + "_" + or(s.of(store).Data, "a") }

// Reference is where a secret is kept: it names, and never shows it.
type Reference struct {
	Secret    string `json:"secret"`
	Parameter string `json:"parameter"` // of the stack, hidden
}

// References are those of all secrets of a site with these parameters.
func References(parameters map[string]string) []Reference {
	s, _ := slotsIn(parameters)
	rotated := map[string]string{}
	for _, store := range Stores() {
		if s.of(store).At == 0 && s.of(store).Data == "" {
			continue // the first ones
		}
		for _, name := range secretsOf(store) {
			rotated[name] = s.place(store)
		}
	}
	names := append(madeSecrets(), "mongodb_key", "jwt_rsa_private_key")
	if parameters["s3_bucket"] != "" || parameters["backup_bucket"] != "" {
		names = append(names, "s3_access_key", "s3_secret_key")
	}
	slices.Sort(names)
	out := make([]Reference, len(names))
	for i, name := range names {
		out[i] = Reference{name, or(rotated[name], "secrets")}
	}
	return out
}

// Rotating is the step that a rotation of the site is at; empty for none.
func Rotating(parameters map[string]string) string {
	s, _ := slotsIn(parameters)
	return s.Stage
}
