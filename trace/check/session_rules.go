package check

func sessionRules() []Rule {
	const terry = "D. B. Terry et al., \"Session Guarantees for Weakly Consistent Replicated Data\", PDIS 1994; " +
		"narrowed to what the customer had an ok reply to before it sent the request"
	return []Rule{
		{
			Name: "session/read-your-writes",
			Statement: "What a query sees covers every write of the same customer whose ok reply the customer had " +
				"received before it sent the query, at whichever branch.",
			Reason:  "A customer whose deposit was confirmed and is then not in the balance thinks that the money is gone.",
			Source:  terry,
			Mistake: "The customer went to another branch, and that branch answered before it had caught up.",
			Exit:    1,
		}, {
			Name: "session/monotonic-reads",
			Statement: "What a query sees covers what the same customer's earlier queries saw, if their replies had been " +
				"received before it was sent.",
			Reason:  "A balance that goes back in time cannot be relied on for anything.",
			Source:  terry,
			Mistake: "The token of the session was not sent along, or it was not merged with the reply's vector.",
			Exit:    1,
		}, {
			Name: "session/monotonic-writes",
			Statement: "At every replica a customer's write is executed after that customer's earlier writes, if their ok " +
				"replies had been received before it was sent.",
			Reason:  "A withdrawal that overtakes the deposit before it is refused at some replicas.",
			Source:  terry,
			Mistake: "The second write went to another branch, whose timestamp or deps did not account for the first.",
			Exit:    1,
		}, {
			Name: "session/writes-follow-reads",
			Statement: "At every replica a customer's write is executed after all writes that the customer's earlier queries " +
				"saw, if their replies had been received before it was sent.",
			Reason:  "A customer acts on what it saw; a replica that executes the act without its reason makes no sense of it.",
			Source:  terry,
			Mistake: "The branch that ordered the write had not waited for the session's token.",
			Exit:    1,
		},
	}
}
