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
	{
		Name:  "correct-holes",
		Fault: "none: transactions that are rolled back leave holes in the numbers, which this server does not promise not to have",
		Found: "SERIAL, IDENTITY and AUTO_INCREMENT columns",
		shape: &objects,
		replica: stateless(func(db *database, d messenger.Draft) messages {
			db.lock.Lock()
			defer db.lock.Unlock()
			seq := db.nextval(1)
			for db.oneIn(seldom) {
				seq = db.nextval(1)
			}
			return db.window(db.insert(d, messenger.Message{Seq: seq}).Seq)
		}),
	},
	{
		Name:    "correct-local-dates",
		Fault:   "none: dates are local time without a zone, and the profile says so",
		Found:   "TIMESTAMP without time zone, datetime.now().isoformat()",
		shape:   &localDates,
		replica: stateless((*database).append),
	},
	{
		Name:    "correct-closing",
		Fault:   "none: each connection ends after one answer",
		Found:   "HTTP/1.0 servers, proxies without keep-alive",
		shape:   &closing,
		replica: stateless((*database).append),
	},
	{
		Name:    "correct-count-beside",
		Fault:   "none: messages are arrays, in an object with numbered keys, and the sender's count stands beside them",
		Found:   "public solutions of this task",
		shape:   &countBeside,
		replica: stateless((*database).append),
	},
}
