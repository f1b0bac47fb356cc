package launchlab

// Codes are our own refusals with their status, for the README's table to be held against.
func Codes() map[string]int {
	list := map[string]int{}
	for code, r := range refusals {
		list[code] = r.status
	}
	return list
}
