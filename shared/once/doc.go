// Package once remembers what was seen: nonces of launches, ids of alarms.
//
// An entry lives exactly as long as its sender could repeat it and is never pushed out by others: a store bounded by size
// would let a flood make old nonces usable again. Callers ask only after a signature holds, so only those who have a
// secret can fill it.
package once
