package site

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// A setting is of one of these kinds.
const (
	settingText = iota
	settingNumber
	settingFlag
)

// allowedSettings are the settings of Tutor that a Spec may give: none that Stackhook sets by itself, and no secret, as
// whoever may see the stack may read them (Tutor: docs/configuration.rst).
func allowedSettings() map[string]int {
	return map[string]int{
		"DOCKER_IMAGE_OPENEDX":           settingText,
		"EDX_PLATFORM_REPOSITORY":        settingText,
		"EDX_PLATFORM_VERSION":           settingText,
		"LANGUAGE_CODE":                  settingText,
		"OPENEDX_CMS_UWSGI_WORKERS":      settingNumber,
		"OPENEDX_COMMON_VERSION":         settingText,
		"OPENEDX_EXTRA_PIP_REQUIREMENTS": settingText,
		"OPENEDX_LMS_UWSGI_WORKERS":      settingNumber,
		"PREVIEW_LMS_HOST":               settingText,
		"SMTP_HOST":                      settingText,
		"SMTP_PORT":                      settingNumber,
		"SMTP_USERNAME":                  settingText,
		"SMTP_USE_SSL":                   settingFlag,
		"SMTP_USE_TLS":                   settingFlag,
		"S3_ADDRESSING_STYLE":            settingText,
		publicDomain:                     settingText,
		"S3_PROFILE_IMAGE_MAX_AGE":       settingNumber,
		"S3_QUERYSTRING_EXPIRE":          settingNumber,
		"S3_SIGNATURE_VERSION":           settingText,
		"MEILISEARCH_INDEX_PREFIX":       settingText,
	}
}

// publicDomain is the host and path below which browsers find what is in the public bucket. Its sibling for all other uploads,
// S3_CUSTOM_DOMAIN, is none of the settings: with it their addresses have no signature.
const publicDomain = "S3_PROFILE_IMAGE_CUSTOM_DOMAIN"

const (
	maxSettings = 40
	maxSetting  = 512
)

var secretWord = regexp.MustCompile(`(?i)PASSWORD|SECRET|_KEY|TOKEN|CREDENTIAL`)

func (c *checker) settings(given map[string]any) {
	if len(given) > maxSettings {
		c.fault("settings", "has too many entries")
	}
	allowed := allowedSettings()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		field := "settings." + name
		kind, ok := allowed[name]
		switch {
		case !ok && secretWord.MatchString(name):
			c.fault(field, "looks like a secret; settings can be read by all who may see the stack, so none is taken")
		case !ok:
			c.fault(field, "is not a setting that a site takes; see the list in the function's README")
		default:
			if why := wrongSetting(kind, given[name]); why != "" {
				c.fault(field, why)
			}
		}
	}
}

func wrongSetting(kind int, value any) string {
	switch kind {
	case settingNumber:
		if f, ok := value.(float64); !ok || f != math.Trunc(f) || math.Abs(f) > 1e9 {
			return "must be a whole number"
		}
	case settingFlag:
		if _, ok := value.(bool); !ok {
			return "must be true or false"
		}
	default:
		text, ok := value.(string)
		switch {
		case !ok:
			return "must be text; put it in quotes"
		case len(text) > maxSetting:
			return "is too long"
		case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return "must be one line of text"
		}
	}
	return ""
}
