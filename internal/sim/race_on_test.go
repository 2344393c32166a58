//go:build race

package sim

// underRace is true where the race detector slows everything down: the simulator has one goroutine.
const underRace = true
