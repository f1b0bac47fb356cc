package openedx

import (
	"strings"

	"github.com/stackhook/stackhook/shared/config"
)

// Entry is the registration of a block, or of the whole site if the values are those of an entry of the LTI store. It
// leaves to the configuration what has a default. Without ancestors the LMS alone may show labs in a frame; see FramesHint.
func Entry(v Values, labs, ancestors []string) config.Platform {
	if len(ancestors) == 0 {
		ancestors = []string{origin(v.LoginURL)}
	}
	return config.Platform{
		Issuer: v.issuer(), ClientID: v.ClientID, Deployments: []string{v.Deployment},
		AuthURL: v.LoginURL, TokenURL: v.TokenURL, JWKSURL: v.KeysetURL,
		Labs: labs, FrameAncestors: ancestors, Instructors: true,
	}
}

// FramesHint is for whoever names no ancestors: the values do not tell them.
const FramesHint = "If the learning MFE has a host of its own, add it to frame_ancestors, such as https://apps.lms.example.org."

// Value is one thing to be put into Studio.
type Value struct {
	Label string // of the field
	Value string
	Where string // the field is
	// Chosen from a list, not typed.
	Chosen bool
}

const (
	inBlock    = "the block's settings (Edit)"
	inCourse   = "the course: Settings, Advanced Settings"
	forPicking = "the block's settings, to pick the lab from a list instead of by Custom Parameters"
)

// module is what makes the block available in a course.
func module() Value {
	return Value{Label: "Advanced Module List", Value: `"lti_consumer"`, Where: inCourse}
}

func typed(label, value string) Value { return Value{Label: label, Value: value, Where: inBlock} }

func chosen(label, value string) Value {
	return Value{Label: label, Value: value, Where: inBlock, Chosen: true}
}

func (v Value) at(where string) Value {
	v.Where = where
	return v
}

// PasteBack is what Studio has to be told for LTI 1.3 launches of a lab by functions at publicURL.
func PasteBack(publicURL, lab string) []Value {
	base := strings.TrimRight(publicURL, "/") + "/launch-lab"
	return []Value{
		module(),
		chosen("LTI Version", "LTI 1.3"),
		typed("Tool Launch URL", base+"/launch"),
		typed("Tool Initiate Login URL", base+"/login"),
		chosen("Tool Public Key Mode", "Keyset URL"),
		typed("Tool Keyset URL", base+"/jwks.json"),
		typed("Custom Parameters", parameters(lab)),
		chosen("Deep linking", "True").at(forPicking),
		typed("Deep Linking Launch URL", base+"/launch").at(forPicking),
	}
}

// PasteBackLegacy is what Studio has to be told for LTI 1.1 launches by a consumer of the configuration.
func PasteBackLegacy(publicURL, lab, id, key, secret string) []Value {
	return []Value{
		module(),
		typed("LTI Passports", `"`+Passport(id, key, secret)+`"`).at(inCourse),
		chosen("LTI Version", "LTI 1.1/1.2"),
		typed("LTI ID", id),
		typed("LTI URL", strings.TrimRight(publicURL, "/")+"/launch-lab/launch"),
		typed("Custom Parameters", parameters(lab)),
	}
}

// Passport is a consumer's key and secret under a name, in the form of a course's LTI passports.
func Passport(id, key, secret string) string { return id + ":" + key + ":" + secret }

func parameters(lab string) string { return `["lab=` + lab + `"]` }
