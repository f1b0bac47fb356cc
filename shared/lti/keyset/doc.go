// Package keyset holds RSA keys as JSON Web Key sets (RFC 7517): those of the platforms that sign launches, fetched and
// kept, and our own, with which we sign what platforms verify.
//
// A platform's set is kept as long as its Cache-Control allows, at least a second and at most an hour, and replaced as a
// whole: a key that the platform withdrew is gone with the next fetch that succeeds. While fetches fail, the keys that are
// known stay good for a day after the last success, so that a platform's hiccup costs no launch, and no withdrawn key
// outlives that day.
//
// A key id that is not in the set makes the set be fetched at once, however fresh it is: platforms rotate without
// overlap. Anybody can send made-up ids, so this happens three times in a row and then once a minute for each platform;
// an id that a fetch did not bring is not asked for again for a minute.
package keyset
