// Package deploysite is the function that makes and changes sites.
//
//	PUT /sites/{name}   makes the site, or changes it to what the body says (shared/site.Spec); 202 with Location while
//	                    something is being done, 200 if there is nothing to do
//	GET /sites/{name}   how far it is, step by step, and where it is reached
//	GET /sites          all sites
//
// A PUT says the whole of what is wanted, and may be sent any number of times, from any number of places: the first one
// makes the stack, and the others find it (openstack.EnsureStack). What differs from the stack's parameters is written
// by one update, with a token in it that is read back, as Heat drops one of two updates at one time without a word. How
// many nodes there are belongs to scaling; package site says when a PUT may move it.
//
// The site's alarms call scale-cluster at addresses that are signed for this site and this direction, with the first of
// the configuration's seal keys; after that key is changed, the next PUT writes new addresses.
//
// Calls to OpenStack: PUT of a new site 2 (look for the name, create), of an unchanged one 2 (look, read), of a changed
// one 4 (and update, read back); GET 3 (find, read, events), one less when the process knows the site; list 1.
package deploysite
