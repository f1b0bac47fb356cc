//go:build !race

package tender_test

const manyLabs = 10_000
