// Package trace records, writes and reads the events of a distributed system: the trace format bank-trace/1.
//
// # Traces and logs
//
// A trace is a folder that holds one log for each process and a file run.json that describes the run. A log is a text
// file named PROCESS.jsonl in which every line is one record: a JSON object (RFC 8259) in UTF-8. Every byte of the name
// but ASCII letters, digits and - _ ~ $ & + = @ is percent-escaped in the file's name: the process a/b.c has the log
// a%2Fb%2Ec.jsonl. A log may be rotated into pieces PROCESS.0001.jsonl, PROCESS.0002.jsonl and so on; a PROCESS.jsonl beside
// them is the last piece. The logs of many processes may also be merged into one file, in which each process's records
// keep their order. The name of a file is for people: which process a record is of, the record says.
//
// The shortest log that can be checked has events only, with these fields:
//
//	{"process":"shop","seq":1,"clock":1,"kind":"send","peer":"till"}
//	{"process":"shop","seq":2,"clock":4,"kind":"receive","peer":"till","cause":2}
//
//	{"process":"till","seq":1,"clock":2,"kind":"receive","peer":"shop","cause":1}
//	{"process":"till","seq":2,"clock":3,"kind":"send","peer":"shop"}
//
// # Lines
//
// Lines end with a line feed; a carriage return before it, blank lines, and a byte order mark at the start of the file
// are passed over. A line has at most 1 MiB ([MaxLine]). A last line without line feed is read where it is a whole record;
// else its writer was stopped in the middle, and the log is truncated.
//
// Fields may stand in any order; a [Writer] writes them in the order given here, and leaves out what is zero or empty.
// Fields that are not named here are ignored, so a log may carry more than this format knows. An error is: text that is no JSON; a field
// given twice; a value of another type or out of range, null included; a required field that is missing. A [Reader]
// reports such a line as a [SyntaxError], with file, line, field and remedy, and reads on at the next.
//
// These types of value occur:
//
//	name      a string of 1 to 255 bytes; names are compared byte by byte
//	count     an integer from 1 to 2^53, written in digits alone: no sign, no point, no exponent
//	integer   an integer from -2^63 to 2^63-1, written in digits with or without a minus sign
//	id        a string process/n, of a name and a count; the last slash divides them
//	vector    an object of names and counts, as in {"branch-1":2,"branch-2":1}; a count of 0 is as if left out
//	balances  an object of account names and integers, as in {"main":400}
//
// Money is in minor units (cents, say).
//
// # Events
//
// A record without "format" and "end" is an event.
//
//	process     name     required  whose event it is
//	seq         count    required  its number in its process: 1, 2, 3 and so on without gap, also across restarts; a
//	                               slice starts at the header's first
//	clock       count    required  its Lamport time
//	kind        word     required  local, send or receive
//	peer        name     receive   the other process; send should have it, too
//	cause       count    receive   the seq of the peer's send event
//	stamp       count              receive: the clock that the message carried, which is that of its send event
//	request     id                 what one request of a customer caused: customer/n. A customer has one request
//	                               outstanding at a time, and n rises
//	step        word               what the event is in the bank's protocol, see below
//	write       id                 origin/n: the n-th write that branch origin ordered
//	at          count              the write's timestamp: the clock of its order event
//	deps        vector             order in mode causal: the writes that must be executed before
//	op          word               query, deposit, withdraw, transfer, grant or fence
//	account     name               whose balance it is about
//	to_account  name               transfer: the account that gets the money
//	to_branch   name               grant: the branch that gets the rights
//	amount      count              the money that moves
//	balance     integer            the account's balance afterwards
//	to_balance  integer            to_account's balance afterwards
//	result      word               ok, insufficient, duplicate, conflict, refused or unknown
//	sees        vector             execute: the writes behind the result; snapshot: the writes in the state
//	answers     count              respond: the seq of the request's receive event at the responding branch
//	has         vector             acknowledge, sync: the writes held
//	balances    balances           snapshot: the state taken over, see below
//	wall        integer            unix nanoseconds, or virtual time in a simulation; nothing is ever ordered by it
//	note        string             free text
//
// Events without step are those of some other program; of them only clocks and messages can be checked. These are the bank's
// steps, with the fields they have beside process, seq, clock, kind, and peer, cause and stamp:
//
//	request       send, receive  a customer's operation goes to a branch: request op account to_account amount
//	order         local          a write gets its number and timestamp: request write at deps op account to_account
//	                             to_branch amount
//	propagate     send, receive  a write goes to another branch: request write at op account to_account amount
//	acknowledge   send, receive  a branch says what it holds: has
//	sync          send, receive  a branch asks another where it stands, or answers: has
//	execute       local          a write takes effect at a replica, or a query is answered (no write then): request
//	                             write at op account to_account amount balance to_balance result sees
//	respond       send, receive  the answer goes to the customer: request balance to_balance result answers
//	rights-ask, rights-grant     a branch asks for rights to withdraw; another gives some away
//	fence                        a branch promises not to execute a request
//	snapshot      local          a branch takes over another's state: sees balances
//
// A snapshot replaces the branch's state: from then on it has executed the writes 1 to n of each origin that sees says, and
// no others, whatever its log showed before, and goes on from there. Its balances are those given; an account that is not
// named has its opening balance, or is not known where the log has no opening. So a branch whose store was lost, and which
// joins again with a peer's state, may execute writes once more that it had executed before and the peer had not. What it
// heard from other branches before stays heard.
//
// # Clocks
//
// A process's clock rises with every event, and a receive's clock is greater than its send's (Lamport 1978). Jumps are
// allowed. The clocks that this package gives ([Sequencer], [Recorder]) are the least such: a local or send event has
// the clock before it plus 1, a receive max(clock before it, stamp) plus 1, and the first event has 1.
//
// # Headers
//
// A record with "format" is a header. The log of a process starts with one, and there is another after each restart;
// logs of other programs may do without.
//
//	format       string    required  "bank-trace/1"; a later format that only adds to it is "bank-trace/1.2", say
//	process      name      required  whose log it is
//	role         word                branch or customer
//	incarnation  count               1, and one more after each restart; 1 where it is left out
//	mode         word                total or causal: the bank's mode
//	peers        list                the names of the other processes, as in ["branch-2","branch-3"]; each must have a log
//	opening      balances            the balances before the first write, the same at every branch; it counts in
//	                                 incarnation 1 alone
//	first        count               the seq of the first event where the log is a slice; 1 where it is left out
//	ends         boolean             true promises an end record
//
// After a crash a log goes on with the events of the old incarnation that were durable and not yet in the file, if any;
// then comes the header of the next incarnation, then its events. Seq and clock go on.
//
// # End
//
// A record with "end" is the last of a log that was closed. Where the last header has "ends":true and no end record
// follows, the log is truncated: what it would have said is unknown.
//
//	end      true   required
//	process  name   required
//	events   count  required  how many events the process recorded, over all incarnations; may be 0
//	clock    count  required  the clock of its last event; may be 0
//
// # An example
//
// One deposit at a branch, some lines left out:
//
//	{"format":"bank-trace/1","process":"branch-1","role":"branch","incarnation":1,"mode":"total","peers":["branch-2","branch-3"],"opening":{"main":400},"ends":true}
//	{"process":"branch-1","seq":1,"clock":2,"kind":"receive","peer":"customer-1","cause":1,"stamp":1,"request":"customer-1/1","step":"request","op":"deposit","account":"main","amount":170}
//	{"process":"branch-1","seq":2,"clock":3,"kind":"local","request":"customer-1/1","step":"order","write":"branch-1/1","at":3,"op":"deposit","account":"main","amount":170}
//	{"process":"branch-1","seq":3,"clock":4,"kind":"send","peer":"branch-2","request":"customer-1/1","step":"propagate","write":"branch-1/1","at":3}
//	{"process":"branch-1","seq":7,"clock":9,"kind":"local","request":"customer-1/1","step":"execute","write":"branch-1/1","at":3,"op":"deposit","account":"main","amount":170,"balance":570,"result":"ok","sees":{"branch-1":1}}
//	{"end":true,"process":"branch-1","events":8,"clock":10}
//
// # run.json
//
// The file run.json of a folder ([Run]) is one JSON object; the folder can be checked without it.
//
//	format     string   required  "bank-trace/1"
//	mode       word               total or causal
//	seed       integer            of a simulated run: the same seed gives the same trace
//	scenario   string             what was run
//	versions   object             programs and their versions
//	processes  list               the names of all processes that should have a log
//	settled    boolean            the run ended with every message received and every write executed everywhere
package trace
