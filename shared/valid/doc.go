// Package valid checks structs by their validate tags and says in plain sentences what to change.
//
// The configuration and the JSON edge use the same rules and the same words: a fault is the path of a field as its author
// wrote it, and a sentence that says what the field must be.
package valid
