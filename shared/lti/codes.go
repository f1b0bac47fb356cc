package lti

import "net/http"

type answer struct {
	status int
	public string
	fix    string
}

const (
	again     = "Open the lab again from your course page."
	tellStaff = "Please tell your course staff, and give them the code on this page."
)

// answers is one table so that a code always has the same status, the same sentence and the same advice.
var answers = map[Code]answer{
	CodeMethod: {
		http.StatusMethodNotAllowed, "A lab is opened from a course page, not by its address. " + again,
		"Nothing, if somebody opened the address by hand. The launch address takes POST only, the login address GET and POST.",
	},
	CodeMediaType: {
		http.StatusUnsupportedMediaType, "Your course sent a form of a kind that we do not read. " + tellStaff,
		"The course site must post application/x-www-form-urlencoded in UTF-8.",
	},
	CodeTooLarge: {
		http.StatusRequestEntityTooLarge, "Your course sent more than a launch may hold. " + tellStaff,
		"Shorten the custom parameters and the titles: 128 KiB in 300 fields is the most, 8 KiB a field in a login.",
	},
	CodeEncoding: {
		http.StatusBadRequest, "Your course sent a form that cannot be read. " + tellStaff,
		"Look for a stray % or for text that is not UTF-8 in the launch address and the custom parameters.",
	},
	CodeDuplicate: {
		http.StatusBadRequest, "Your course sent one of the launch fields twice. " + tellStaff,
		"Remove the field that is named here from the launch address or from the custom parameters.",
	},
	CodeQuery: {
		http.StatusBadRequest, "The launch address in the course settings holds launch fields, which belong in the form only. " + tellStaff,
		"Remove the field that is named here from the query of the address and set it as a custom parameter instead.",
	},
	CodeMissing: {
		http.StatusBadRequest, "Your course left out something that every launch needs. " + tellStaff,
		"Let the course site send the field or claim that is named here. Anonymous launches are refused: all of them would share one lab.",
	},
	CodeMessageType: {
		http.StatusBadRequest, "Your course asked for something other than a lab. " + tellStaff,
		"Set the link up as an ordinary LTI launch: LTI 1.1 basic-lti-launch-request, LTI 1.3 LtiResourceLinkRequest or LtiDeepLinkingRequest.",
	},
	CodeVersion: {
		http.StatusBadRequest, "Your course uses a version of LTI or OAuth that we do not speak. " + tellStaff,
		"Set the link up for LTI 1.1 (LTI-1p0 with OAuth 1.0) or LTI 1.3 (1.3.0).",
	},
	CodeSignatureMethod: {
		http.StatusBadRequest, "Your course signs in a way that we do not accept. " + tellStaff,
		"Let the course site sign with HMAC-SHA1, or list HMAC-SHA256 in the signature_methods of this consumer.",
	},
	CodeSignature: {
		http.StatusForbidden, "The link from your course is not signed as we expect: its key, its secret or its launch address is not the one we know. " + tellStaff,
		"Compare key, secret and launch address of the course settings with the configuration. A key may hold only letters, digits and - . _ ~",
	},
	CodeTimestamp: {
		http.StatusBadRequest, "Your course sent a time that cannot be read. " + tellStaff,
		"oauth_timestamp must be seconds since 1970, in digits.",
	},
	CodeStale: {
		http.StatusForbidden, "This launch has been waiting too long. " + again,
		"Nothing, if it happens once. If every launch is too old, compare the clocks of the course site and of this server.",
	},
	CodeFuture: {
		http.StatusForbidden, "The clock of your course site is ahead of ours. " + tellStaff,
		"Set the clock of the course site or of this server; both should follow an NTP server.",
	},
	CodeReplayed: {
		http.StatusConflict, "This page was reloaded, and a launch works only once. Nothing is lost. " + again,
		"Nothing. If every launch is refused so, something between browser and server sends requests twice.",
	},
	CodeUnavailable: {
		http.StatusServiceUnavailable, "We cannot check your launch at the moment. Wait a minute, then open the lab again from your course page.",
		"What is named here does not answer: the store of nonces (store in the configuration), or the platform's key set (its jwks_url). " +
			"Try that address from this server: it must answer within seconds, with a valid certificate.",
	},

	CodePlatform: {
		http.StatusForbidden, "Your course site is not known here. " + tellStaff,
		"Add the platform to the configuration, with issuer and client id exactly as the course site shows them, to the last slash.",
	},
	CodeClient: {
		http.StatusBadRequest, "Your course site did not say which of its links this is. " + tellStaff,
		"Several client ids are configured for this issuer: let the course site send client_id when it begins a login.",
	},
	CodeDeployment: {
		http.StatusForbidden, "This place of your course site is not known here. " + tellStaff,
		"Add the deployment id of the course settings to the platform's deployments in the configuration.",
	},
	CodeTarget: {
		http.StatusForbidden, "The course's link leads to an address that is not one of ours. " + tellStaff,
		"Set the target link address of the course's link to our launch address: same scheme, host, port and path.",
	},
	CodePlatformError: {
		http.StatusForbidden, "Your course site did not say who you are. Log in there, then open the lab again from your course page.",
		"The course site answered the login with the error that is named here; its own log says why. login_required means that nobody was logged in.",
	},
	CodeState: {
		http.StatusForbidden, "This launch was not begun here. " + again,
		"The answer must carry the state of a login that this server began. Replicas must share seal_keys; the course site must not change state.",
	},
	CodeStateExpired: {
		http.StatusForbidden, "Opening the lab took more than ten minutes. " + again,
		"Nothing, if it happens once. If every launch is refused so, compare the clocks of the replicas.",
	},
	CodeBinding: {
		http.StatusForbidden, "This launch was begun in another browser, or your browser kept nothing of it. Open the lab from your course page in a new window.",
		"Let the browser keep cookies or site data for this server, or set the course's link to open in a new window.",
	},
	CodeToken: {
		http.StatusBadRequest, "Your course site sent a confirmation that cannot be read. " + tellStaff,
		"id_token must be a signed JWT of three parts, not encrypted, without crit and b64 in its header.",
	},
	CodeAlgorithm: {
		http.StatusForbidden, "Your course site signs in a way that we do not accept. " + tellStaff,
		"Let the course site sign with RS256, or list its RSA algorithm in the platform's algorithms in the configuration.",
	},
	CodeKey: {
		http.StatusForbidden, "Your course site signed with a key that it does not publish. Wait a minute, then open the lab again from your course page.",
		"The token must name a key (kid) of the key set at the platform's jwks_url. Compare that address with the course settings.",
	},
	CodeKeyUnfit: {
		http.StatusForbidden, "Your course site signs with a key that is not safe enough. " + tellStaff,
		"The course site's key must be RSA of 2048 bits or more, for signing (use sig), and for the algorithm of the token.",
	},
	CodeTokenSignature: {
		http.StatusForbidden, "The confirmation from your course site is not signed with its key. " + tellStaff,
		"The signature of id_token does not hold for the published key. Does jwks_url belong to this course site, and did its keys change?",
	},
	CodeClaims: {
		http.StatusBadRequest, "Your course site sent a confirmation that breaks the rules of LTI. " + tellStaff,
		"Correct the claim that is named here in the course site's token.",
	},
	CodeIssuer: {
		http.StatusForbidden, "The confirmation comes from another course site than the one that you came from. " + tellStaff,
		"The token's iss must be, to the byte, the issuer with which the login began and which is configured.",
	},
	CodeAudience: {
		http.StatusForbidden, "The confirmation from your course site was made for somebody else. " + tellStaff,
		"aud must be the configured client id and nothing else; azp, if it is there, the same.",
	},
	CodeNonce: {
		http.StatusForbidden, "The confirmation from your course site belongs to another launch. " + again,
		"The token's nonce must be the one of the login; a course site that keeps or makes up nonces cannot launch.",
	},
	CodeDeepLink: {
		http.StatusBadRequest, "Your course site asks for a choice in a way that we cannot answer. " + tellStaff,
		"deep_link_return_url must be https on the course site's own host or on one of the platform's frame_ancestors, and accept_types hold ltiResourceLink.",
	},
}
