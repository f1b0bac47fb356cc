// Package deploysite is the function that makes and changes sites; README.md beside it lists its routes, codes and costs.
//
// A PUT says the whole of what is wanted, and may be sent any number of times, from any number of places. For a new site
// everything that can be known is asked before anything is made (examine); then the stack is made, or the one that is there
// is found (openstack.EnsureStack). What differs from the stack's parameters is written by one update, with a token in it
// that is read back, as Heat drops one of two updates at one time without a word. How many nodes there are belongs to
// scaling; package site says when a PUT may move it, and how much a change disturbs.
//
// Nothing here touches running nodes but roll: a changed image or setting is recorded, and nodes that are there keep what
// they have until they are made anew, one by one.
//
// The site's alarms call scale-cluster at addresses that are signed for this site and this direction, with the first of
// the configuration's seal keys; after that key is changed, the next PUT writes new addresses.
package deploysite
