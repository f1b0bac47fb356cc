// Package registration makes us known to an LTI 1.3 platform and the platform known to us: LTI Dynamic Registration 1.0
// (1EdTech lti-dr), which builds on OpenID Connect Discovery and Dynamic Client Registration.
//
// A platform's administrator pastes our registration address into the platform, which opens it with two values of its own:
// openid_configuration, where the platform describes itself, and registration_token, good for one registration there. We
// fetch the description, post ours, and read the client id that the platform gives us.
//
// Anybody can open that address, so three things stand before the first call to anywhere. The address holds a [Link]: made by
// the operator, sealed, bound to one issuer, good for a day and for one registration. The issuer must still be on the
// configuration's list. And the description must be on the issuer's own host.
package registration
