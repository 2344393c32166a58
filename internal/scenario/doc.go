// Package scenario reads what a run of the bank shall do: which branches there are, what they open with, and what each
// customer asks of them. It holds values only and knows nothing of the bank that will act on them.
//
// Two kinds of file are read, told apart by their content and never by their name. A file whose outermost value is a
// list is a course file; one whose outermost value is a mapping is a scenario in our own form. A file that begins with
// [ or { is read as JSON, any other as YAML.
//
// # Our own form
//
//	name: two withdrawals    # optional; else the file's base name
//	mode: total              # optional: total (the default) or causal
//	branches: 3              # branches 1, 2 and 3; or a list of ids: [1, 2, 5]
//	opening: {main: 400, savings: 0}
//	customers:               # they run at the same time, each one's steps in order
//	  - id: 1
//	    steps:
//	      - {deposit: 170, account: main, at: 1}
//	      - wait: 50ms
//	      - {transfer: 100, from: main, to: savings, at: 2}
//	      - {query: savings, at: 2}
//	  - id: 7
//	    at: 3                # this customer's branch where a step names none
//	    steps:
//	      - withdraw: 300
//	        account: main
//	      - query            # the default account at the default branch
//
// branches is a number from 1 to 64, or a list of as many different ids, each at least 1. opening gives the balance of
// every account, the same at every branch, from 0 to 2^53 minor units; opening: 400 is short for opening: {main: 400}.
// An account that is used must be listed there. Account names are letters, digits, and - _ . between them, 64 bytes at most.
//
// A step is one of
//
//	deposit: AMOUNT     with account, at
//	withdraw: AMOUNT    with account, at
//	transfer: AMOUNT    with from and to (both required), at
//	query: ACCOUNT      with at; the word query alone asks for the default account
//	wait: DURATION      such as 50ms, 2s or 1m30s; more than 0 and at most 24h
//
// An amount is a whole number of minor units, 0 < amount <= 2^53. at is the id of the branch to ask. Without it the step
// uses the customer's own at, and without that the branch with the customer's own id. The default account is main, or the
// only account where opening has but one. Anchors, aliases, tags, directives, "? " keys and further documents are refused.
//
// # Course files
//
// A list of customers ("type":"customer", in the oldest files "client") and branches ("branch", oldest "bank"):
//
//	[{"id":1,"type":"customer","events":[{"id":2,"interface":"deposit","money":170}]},
//	 {"id":2,"type":"customer","customer-requests":[{"customer-request-id":3,"interface":"query","branch":1}]},
//	 {"id":1,"type":"branch","balance":400},
//	 {"id":2,"type":"branch","balance":400}]
//
// An interface is query, deposit or withdraw. An event may name its branch by "dest" or "branch", which makes the file
// a roaming one; an event that names none uses the branch with the customer's own id. The one balance of a branch opens
// the account main, and all branches must open with the same. The mode is total. Branches and customers are returned by
// id, whatever their order in the file. Keys may carry blanks at either end; lists and objects may end in a comma;
// // and /* */ comments are skipped.
//
// # Problems
//
// Every problem of a file is reported, in the order of the lines, as an [*Error] with file, line, place and remedy,
// joined by [errors.Join]; only a file whose syntax is broken reports its first problem alone. What can be ignored
// without harm, such as a key that nobody knows, becomes a warning, once a key.
package scenario
