package verify

// A Check is one row of the table of what is checked.
type Check uint8

const (
	InternalConsistency Check = iota // a window ends in the own message, as it was sent
	Contiguous                       // no seq is missing, in a window or in the log
	Agreement                        // one seq shows one content
	Duplicate                        // one nonce, one seq, one acknowledgement
	LostWrite                        // what was acknowledged is in every later window that must hold it
	FutureRead                       // nothing after the own message, nothing that was not sent yet
	RealTimeOrder                    // answered before the other was sent: the lower seq
	Counters                         // per sender 1, 2, 3 … in order of seq
	Dates                            // never decreasing along seq, and within the operation's time
	AbortedRead                      // what certainly failed is not in the log
	GarbageRead                      // only what was sent, as it was sent
	ExactlyOnce                      // an operation sent again is in the log once, with one answer
	numChecks
)

// A row is a check's name and what it counts, in the singular.
type row struct{ name, unit string }
