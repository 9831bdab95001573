package faulty

import "dummymessenger/internal/messenger"

// Correct are servers that are not faulty at all: nothing must be found.
var Correct = []Server{
	{
		Name:    "correct",
		Fault:   "none: one statement looks for the key, numbers the message, stores it and reads its window",
		Found:   "here, on SQLite and PostgreSQL",
		replica: stateless((*database).appendOnce),
	},
	{
		Name:    "correct-dropping",
		Fault:   "none: some answers are lost on their way, and the request that is sent again gets the answer of the first",
		Found:   "wherever there is a network",
		Drops:   true,
		replica: stateless((*database).appendOnce),
	},
	{
		Name:  "correct-locking",
		Fault: "none: several statements, under a lock of the database's that both replicas take",
		Found: "textbooks",
		replica: stateless(func(db *database, d messenger.Draft) messages {
			db.lock.Lock()
			defer db.lock.Unlock()
			m := messenger.Message{Seq: db.max() + 1, SenderCount: db.countOf(d.Sender) + 1}
			window := db.latest(messenger.WindowSize - 1)
			return append(window, db.insert(d, m))
		}),
	},
}
