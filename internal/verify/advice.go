package verify

// An advice says what a violation comes to, in words for those who have never read
// ours, what usually brings it about, and what usually mends it.
type advice struct{ what, cause, mend Sentence }

// advices are by anomaly.
var advices = map[string]advice{
	"own message missing": {
		say("answers do not show the message that they answer"),
		say("the answer of another request (a shared cursor, a cache), or a window that was read too early or too late"),
		say("read the window in the transaction that stores the message, and let it end there: WHERE id <= the own number"),
	},
	"own fields altered": {
		say("answers show the caller's own message otherwise than it was sent"),
		say("an encoding that lacks characters, or a column that cuts texts off"),
		say("store UTF-8 (utf8mb4 in MySQL) in a column that is long enough, and refuse with 400 what does not fit"),
	},
	"another sender's message": {
		say("answers show other senders' messages, and should hold their own sender's only"),
		say("the profile says that windows are of one sender, and they are not"),
		say(`remove "window": "sender" from the profile`),
	},
	"own message not last": {
		say("answers do not end in the message that they answer"),
		say("the window was read after others had been stored, or is sorted by something other than the number"),
		say("read it in the transaction that stores the message: WHERE id <= the own number ORDER BY id DESC LIMIT 10"),
	},
	"disorder": {
		say("answers are sorted by something other than the number"),
		say("ORDER BY a date, which may fall where numbers rise, or is the same in several rows"),
		say("ORDER BY the number"),
	},
	"gap": {
		say("answers leave messages out"),
		say("the window is read while lower numbers are not committed yet: a sequence gives them out before that; " +
			"or it is read from a replica that lags behind"),
		say("take the number and commit under one lock of the database's, and read the window under it, in a statement of its own"),
	},
	"window too long": {
		say("answers hold more messages than the last ten"),
		say("a LIMIT that is missing or off by one"),
		say("LIMIT 10, the own message included"),
	},
	"windows of one sender": {
		say("each answer holds messages of its own sender only"),
		say("WHERE sender = … in the query for the last ten"),
		say(`leave that condition out; if it is meant so, write "window": "sender" into the profile`),
	},
	"disagreement": {
		say("answers disagree about one and the same number"),
		say("two messages have that number, or a value is computed or rounded when answering"),
		say("let the database give each number once; compute every value when the message is stored, and read back what is stored"),
	},
	"equal seqs": {
		say("different messages have the same number"),
		say("MAX(id)+1 or COUNT(*)+1 without a lock, or under a lock that only one process has"),
		say("let the database number them (IDENTITY, AUTOINCREMENT), or take a lock in it first: SELECT … FOR UPDATE of one row, " +
			"BEGIN IMMEDIATE in SQLite"),
	},
	"duplicate": {
		say("one message is in the log twice"),
		say("a request that was delivered twice: by a queue, a driver or a proxy"),
		say("store the request's id beside the message, with a UNIQUE constraint"),
	},
	"lost write": {
		say("messages that were acknowledged are missing in later answers"),
		say("the window is read before lower numbers are committed, or from a replica that lags behind; " +
			"or the message was acknowledged before it was stored, or deleted or rolled back afterwards"),
		say("commit before answering, and take the number, read the window and commit under one lock of the database's"),
	},
	"future read": {
		say("answers show messages that were stored later than their own"),
		say("the window is read after the commit, when others have stored messages too"),
		say("read it in the transaction that stores the message, or bound it: WHERE id <= the own number"),
	},
	"real-time inversion": {
		say("later requests got lower numbers than earlier ones"),
		say("numbers that replicas take in blocks (CACHE, hi/lo), or take long before they store"),
		say("take the number under the lock under which the message is stored"),
	},
	"counter below 1": {
		say("a sender's messages are not counted 1, 2, 3 …"),
		say("a count that is taken before the message is stored"),
		say("count the message itself too"),
	},
	"counter skipped": {
		say("counters of senders leave numbers out"),
		say("COUNT(*)+1 of the sender without a lock, or under a lock that only one process has; " +
			"or a counter that is kept apart from the messages and is not rolled back with them"),
		say("take it from the sender's last message, in the transaction and under the lock that store the new one"),
	},
	"counter repeated": {
		say("several messages of one sender have the same count"),
		say("COUNT(*)+1 of the sender without a lock, or under a lock that only one process has"),
		say("count and store under one lock of the database's, which all replicas take"),
	},
	"counter not stored": {
		say("the count beside a message changes from answer to answer"),
		say("a COUNT(*) in the query for the window, or a join with the table of senders"),
		say("store the count with the message"),
	},
	"date decreases": {
		say("dates fall where numbers rise"),
		say("the clocks of the replicas, or the time at which a transaction began before it waited for its turn (now() in PostgreSQL)"),
		say("take the date from the database once the lock is held: clock_timestamp()"),
	},
	"date outside the operation": {
		say("dates are not of the time of their request"),
		say("local time that is written as if it were UTC, or a clock that is wrong"),
		say(`store UTC (timestamptz); if dates without a zone are local time, write "utc_offset" into the profile`),
	},
	"aborted read": {
		say("requests that were answered as failed are stored"),
		say("a time-out that is reported as a failure while the commit goes on"),
		say("answer 500 or 504, which leave it open, or roll back before a 4xx or a 503 that says not_stored"),
	},
	"garbage read": {
		say("answers show messages that were never sent so"),
		say("an encoding that lacks characters, a column that cuts texts off, or an escaping that is done twice"),
		say("store UTF-8 (utf8mb4 in MySQL), bind texts as parameters, and refuse with 400 what does not fit"),
	},
	"double append": {
		say("requests that were sent again are stored again"),
		say("the server does not know the Idempotency-Key, or each replica remembers its own"),
		say("store the key with the message, with a UNIQUE constraint"),
	},
	"replay differs": {
		say("a request that was sent again is answered otherwise than before"),
		say("the window is read anew, as it is now"),
		say("read the window that ends in the stored message"),
	},
}

func init() { advices["duplicate seq"] = advices["equal seqs"] }

// Advice says what n comes to, what usually brings that about, and what usually
// mends it.
func (n *Violation) Advice() (what, cause, mend Sentence) {
	a := advices[n.Anomaly]
	return a.what, a.cause, a.mend
}
