package main

import "fmt"

// spareFiles is how many files a run opens beside its connections: outputs,
// standard streams, name look-ups.
const spareFiles = 32

// enoughFiles returns an error if this process may not open a connection for each
// worker and replica, of perConnection files each. The run would blame the
// servers for that.
func enoughFiles(workers, replicas, perConnection int) error {
	have, need := openFiles(), uint64(workers)*uint64(replicas)*uint64(perConnection)+spareFiles
	if need <= have {
		return nil
	}
	advice := fmt.Sprintf("raise the limit (ulimit -n %d)", need)
	if most := (int64(have) - spareFiles) / int64(replicas*perConnection); most > 0 {
		advice += fmt.Sprintf(" or use fewer workers (-c %d)", most)
	}
	return fmt.Errorf("%d workers and %d replicas take %d files, and this process may open %d: %s", workers, replicas, need, have, advice)
}
