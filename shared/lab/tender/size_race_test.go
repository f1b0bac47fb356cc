//go:build race

package tender_test

// manyLabs are fewer here: the race detector makes the cloud that we play slow, and it is not the cloud that is tested.
const manyLabs = 2_000
