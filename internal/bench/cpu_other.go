//go:build !unix

package bench

import (
	"os"
	"time"
)

// cpuTime returns 0: how much CPU time this process has used is asked for on Unix alone.
func cpuTime() time.Duration { return 0 }

// peakMemory returns 0, likewise.
func peakMemory(*os.ProcessState) int64 { return 0 }
