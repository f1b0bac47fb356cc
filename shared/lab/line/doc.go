// Package line keeps learners in line while their clouds are at work on as many labs as they may be.
//
// The line is in the memory of one process and is rebuilt from what those who wait bring along: since when they wait. Who
// asks no longer is forgotten. What there is no other way to know, how many labs are under construction and how many there
// are, is counted by Heat, now and then and for everybody at once; labs that were begun since the last count are added to it,
// so that the clouds are never asked for more than they may have.
package line
