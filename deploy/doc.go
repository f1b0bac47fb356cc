// Package deploy holds what is needed to run the functions somewhere; its tests keep these files true to the code.
package deploy
