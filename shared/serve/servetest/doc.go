// Package servetest plays AWS Lambda to a real binary: it serves the Runtime API that the platform gives a process and
// hands it events, one at a time. Tests compare what comes back with the same program's HTTP; the cold-start measurement
// times it.
package servetest
