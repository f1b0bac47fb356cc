package serve

import "time"

// LookingEvery is p with a shorter time between looks at its files.
func (p Program) LookingEvery(every time.Duration) Program {
	p.every = every
	return p
}

// Choose is the runtime that an environment names.
var Choose = choose
