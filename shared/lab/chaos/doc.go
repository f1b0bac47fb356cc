// Package chaos plays the life of labs with everything that can go wrong: hosts that are killed between any two requests
// to the cloud, answers that get lost, clouds that refuse, two hosts at once. It has tests only.
//
// Each run is drawn from a seed. Which request goes next, what becomes of it, what learners do and how time passes all
// come from there, and as good as nothing from the machine: the hosts run in a bubble of package testing/synctest, and each
// request waits until the run lets it go. So the seed of a failure shows it again:
//
//	go test ./shared/lab/chaos -run Chaos -chaos.seed 4711 -v
package chaos
