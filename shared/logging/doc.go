// Package logging writes one JSON line per request and keeps secrets out of it.
//
// A request's context carries a logger and its facts: the calls made to OpenStack and whatever a function notes about
// its decision. The edge (shared/function) prints them in the single line that ends the request, so that one line tells
// the whole story: who was asked, what was answered, why, and what it cost.
//
// Nothing secret gets out: secrets have a type that prints "***" (config.Secret), query strings are never logged, and
// the writer blanks credentials and query strings that arrive inside other people's error texts.
package logging
