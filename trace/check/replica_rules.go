package check

func replicaRules() []Rule {
	const machine = lamport + ", section \"Ordering the Events Totally\": replicated state machines"
	return []Rule{
		{
			Name: "replica/executed-twice",
			Statement: "A replica executes a write at most once. A snapshot begins anew: the writes that it brought count as executed, and " +
				"no others, whatever the replica executed before.",
			Reason:  "A deposit that is executed twice makes money.",
			Source:  machine,
			Mistake: "A resent message was executed again, or the log of executed writes was not durable with its effect.",
			Exit:    1,
		}, {
			Name:      "replica/phantom-execute",
			Statement: "A replica executes only writes that their origin ordered, and a snapshot brings no others.",
			Reason:    "A write that nobody ordered has no place in the order of writes: it is money out of nowhere.",
			Source:    machine,
			Mistake:   "The order event was not logged, or a message was taken apart into the wrong write number.",
			Exit:      1,
		}, {
			Name: "replica/altered",
			Statement: "A replica executes a write as it was ordered: the same operation, accounts, amount, timestamp and " +
				"request.",
			Reason:  "A write that means different things at different replicas leaves them with different balances.",
			Source:  machine,
			Mistake: "A message was decoded wrongly, or two writes got the same number.",
			Exit:    1,
		}, {
			Name: "replica/missing-execute",
			Statement: "A replica passes over no write of any origin; and in a settled trace it has executed all writes, since its " +
				"last snapshot or by it. " +
				"At the end of a trace that is not known to be settled, writes still to come are a warning.",
			Reason:  "A write that one replica lacks is money that is there at one branch and not at another.",
			Source:  machine,
			Mistake: "A message was lost and never resent, or a replica was stopped before it had caught up.",
			Exit:    1,
		}, {
			Name: "replica/order-differs",
			Statement: "In mode total the timestamps (at, origin) of a replica's executes strictly rise, and what comes after a snapshot " +
				"is later than all that the snapshot brought.",
			Reason:  "Replicas that execute in different orders decide withdrawals differently.",
			Source:  machine,
			Mistake: "A write was executed before every branch had promised to order nothing earlier.",
			Exit:    1,
		}, {
			Name: "replica/execute-before-horizon",
			Statement: "In mode total a replica executes a write only after it received, from every branch but itself and " +
				"the origin, a message sent at or after the write's timestamp, or a write of that branch ordered then, be it " +
				"in a snapshot.",
			Reason: "Until then that branch may still order an earlier write, which would have to be executed first.",
			Source: lamport + ", section \"Ordering the Events Totally\", rule 5(ii)",
			Mistake: "One branch was left out of the horizon, or a resent message raised it although it was sent earlier, " +
				"or the horizon was kept over a restart further than the log.",
			Exit: 1,
		}, {
			Name:      "replica/dependency-missing",
			Statement: "In mode causal a replica executes a write only after all writes that it depends on (deps).",
			Reason:    "A withdrawal that arrives before the deposit it spends overdraws the account for a while.",
			Source: "M. Ahamad et al., \"Causal Memory: Definitions, Implementation, and Programming\", Distributed " +
				"Computing 9, 1995",
			Mistake: "The write was executed when it arrived, or only the order of its own origin was waited for.",
			Exit:    1,
		}, {
			Name: "replica/wrong-vector",
			Statement: "What a result sees is what its replica had executed then: per origin the gap-free prefix, the write " +
				"itself included.",
			Reason: "Customers carry this vector along. If it says too little they miss their own writes; if too much, they wait for ever.",
			Source: "D. S. Parker et al., \"Detection of Mutual Inconsistency in Distributed Systems\", IEEE TSE 9(3), 1983: " +
				"version vectors",
			Mistake: "The vector was read before the write took effect, or after the lock was released.",
			Exit:    1,
		}, {
			Name: "replica/diverged",
			Statement: "Replicas that executed the same writes have the same balances, a snapshot's included; in mode total a write has " +
				"the same result and the same balance everywhere, also when it is executed again after a snapshot.",
			Reason:  "Then customers get different answers at different branches, for good.",
			Source:  machine,
			Mistake: "Something that is not in the writes, such as the local time, decided about their effect.",
			Exit:    1,
		},
	}
}
