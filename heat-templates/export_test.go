package heattemplates

// Bare is what is sent of a file.
var Bare = bare
