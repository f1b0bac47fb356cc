// Package once remembers what was seen: nonces of launches, ids of alarms.
//
// An entry lives exactly as long as its sender could repeat it and is never pushed out by others: a store bounded by size
// would let a flood make old nonces usable again. Callers ask only after a signature holds, so only those who have a
// secret can fill it. A Redis must be run accordingly, with maxmemory-policy noeviction, which is its default.
//
// Whenever a store cannot be sure, it gives an error and the caller refuses: a Redis that is down, slow, read-only or full
// costs launches and never lets one through twice. What a failover of Redis forgets, it forgets: its replication is
// asynchronous, and a launch that was accepted in the last moment before could be repeated within its few minutes.
package once
