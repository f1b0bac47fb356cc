// Package outcome sends grades to LTI 1.1 consumers: Basic Outcomes, of whose three requests only replaceResult is used,
// since Open edX knows no other.
//
// A request is XML, signed with OAuth 1.0a over the hash of its body. What the answer says of the grade is in its XML, too:
// Open edX answers a refusal with 200, and some answers of it are not even well-formed. They are read for the one word that
// counts, within bounds.
package outcome
