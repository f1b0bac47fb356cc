// Package config turns one YAML file and the environment into checked values, and is the only package that reads either.
//
// A configuration with faults is refused as a whole, with every fault at once: where it is, what is wrong, what to write
// instead. Sections that a function does not need may be missing.
//
// STACKHOOK_CONFIG is the path of the file, or its text itself if it contains a line break (platforms without files).
// Durations read 90s, 30m, 8h, 14d or a sum such as 1d12h; 0 means never where a limit may be absent. Every secret x may be given as x_file,
// the path of a file that holds it. Relative paths count from the configuration file's folder.
package config
