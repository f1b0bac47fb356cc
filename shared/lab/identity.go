package lab

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// Identity says whose lab it is: one learner's lab of one kind in one course of one tenant.
type Identity struct {
	Tenant  string // the consumer key
	Context string // the course; may be empty
	Lab     string // the catalogue's key
	Learner string // the tenant's own name for the learner
}

// Tag is what every stack of ours carries, sites and clusters too.
const Tag = "stackhook"

const (
	tenantTag  = "tenant="
	contextTag = "context="
	learnerTag = "learner="
)

// Owner is an identity as OpenStack and tickets may see it: hashes, and the name that follows from them.
type Owner struct {
	Stack   string `json:"stack"`
	Lab     string `json:"lab"`
	Tenant  string `json:"tenant"`
	Context string `json:"context"`
	Learner string `json:"learner"`
}

// Hide turns an identity into hashes under the naming key. The same identity gives the same owner as long as the key
// stays, which is why the naming key is never rotated.
func (i Identity) Hide(namingKey []byte) Owner {
	return Owner{
		Stack:   "lab-" + digest(namingKey, "stack", i.Tenant, i.Context, i.Lab, i.Learner)[:18],
		Lab:     i.Lab,
		Tenant:  digest(namingKey, "tenant", i.Tenant)[:20],
		Context: digest(namingKey, "context", i.Tenant, i.Context)[:20],
		Learner: digest(namingKey, "learner", i.Tenant, i.Learner)[:20],
	}
}

// Code is what learner and course staff call the lab's owner by: enough to tell a class apart, and nobody's name.
func (o Owner) Code() string {
	const letters = 6
	return o.Learner[:min(letters, len(o.Learner))]
}

// Tags are the stack's tags. Heat allows 80 characters each (heat/common/param_utils.py) and no comma.
func (o Owner) Tags() []string {
	return []string{Tag, TagLab + o.Lab, tenantTag + o.Tenant, contextTag + o.Context, learnerTag + o.Learner, TagOwner + o.Stack}
}

// OwnerIn is the owner whom a stack's tags name.
func OwnerIn(tags []string) Owner {
	return Owner{Stack: BaseOf(tags), Lab: Tagged(tags, TagLab), Tenant: Tagged(tags, tenantTag), Context: Tagged(tags, contextTag), Learner: Tagged(tags, learnerTag)}
}

// digest is HMAC-SHA256 over the parts, each with its length in front: ("ab", "c") and ("a", "bc") must not meet.
func digest(key []byte, parts ...string) string {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	return hex.EncodeToString(mac.Sum(nil))
}
