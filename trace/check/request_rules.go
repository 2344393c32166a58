package check

func requestRules() []Rule {
	const once = "A. D. Birrell and B. J. Nelson, \"Implementing Remote Procedure Calls\", ACM TOCS 2(1), 1984: call semantics"
	return []Rule{
		{
			Name:      "request/unanswered",
			Statement: "A request has a reply that its customer received, where the customer's log has ended.",
			Reason:    "The customer does not know what became of the money. Networks and crashes do this, so it is a warning.",
			Source:    once,
			Mistake:   "The branch was stopped before it had answered, or the customer gave up.",
			Exit:      0,
		}, {
			Name: "request/answered-twice",
			Statement: "A branch answers each request that it received once, and a write request has one final result: no two " +
				"of ok, insufficient and conflict for the same operation. A reply of refused or unknown is not final.",
			Reason:  "A customer that retries must be told what happened the first time.",
			Source:  once,
			Mistake: "The result of a request was not stored with its effect, or stored at one branch only.",
			Exit:    1,
		}, {
			Name: "request/answer-differs",
			Statement: "A reply gives the result and the balances of the request's execute at that branch, and the customer " +
				"received what was sent. A reply of unknown, or of refused to a request sent again, claims nothing.",
			Reason:  "What the customer is told is then not what happened.",
			Source:  once,
			Mistake: "The balance was read again after the lock was released, or another request's reply was sent.",
			Exit:    1,
		}, {
			Name:      "request/answered-unexecuted",
			Statement: "Before a reply of ok lies, in happens-before, an execute of the request with result ok.",
			Reason:    "The branch confirmed what it could not know.",
			Source:    lamport + ", section \"The Partial Ordering\": an event can affect only what it happens before",
			Mistake:   "The reply was sent when the write was ordered, not when it was executed.",
			Exit:      1,
		}, {
			Name:      "request/altered",
			Statement: "The order of a write has the operation, the accounts and the amount of its request.",
			Reason:    "The bank does something that nobody asked for.",
			Source:    once,
			Mistake:   "A field was mixed up when the request was decoded, or a request id was used for two operations.",
			Exit:      1,
		},
	}
}
