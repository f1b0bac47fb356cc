// Package stand sets up what a load goes to, all of it on loopback: several processes of each function, as they are shipped, one
// Redis for all of them, and HAProxy in front. The cloud is whoever's.
package stand
