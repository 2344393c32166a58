package check

func moneyRules() []Rule {
	return []Rule{
		{
			Name:      "money/unexplained-balance",
			Statement: "At each replica the balance after an operation is the balance before it plus its effect.",
			Reason:    "Else money appeared or vanished.",
			Source:    "double-entry bookkeeping: no balance changes without an entry",
			Mistake:   "Two operations read the balance before either wrote it, or one was executed without being logged.",
			Exit:      1,
		}, {
			Name:      "money/overdrawn",
			Statement: "No balance is below 0.",
			Reason:    "The bank gave away money that the account did not have.",
			Source:    "the bank's promise to decide each withdrawal on the balance that it will change",
			Mistake:   "The balance was checked at one moment and changed at a later one.",
			Exit:      1,
		}, {
			Name:      "money/wrong-refusal",
			Statement: "In mode total a write ends insufficient only if the balance did not cover it.",
			Reason:    "The customer was refused money that was there.",
			Source:    "the bank's promise to decide each withdrawal on the balance that it will change",
			Mistake:   "The decision was made on an old balance, or before earlier deposits had been executed.",
			Exit:      1,
		}, {
			Name: "money/refused-but-executed",
			Statement: "A request that was answered insufficient or conflict, or sent once and answered refused, has no effect " +
				"at any branch.",
			Reason:  "The customer was told no, and the money is gone all the same.",
			Source:  "P. A. Bernstein et al., \"Concurrency Control and Recovery in Database Systems\", 1987: atomic commitment",
			Mistake: "The reply was decided before the write, or one branch decided differently from the others.",
			Exit:    1,
		}, {
			Name:      "money/acknowledged-but-lost",
			Statement: "In a settled trace a write that was answered ok has been executed at every branch.",
			Reason:    "The customer was told that the money is in the bank, and some branch does not have it.",
			Source:    "durability, as in T. Haerder and A. Reuter, \"Principles of Transaction-Oriented Database Recovery\", 1983",
			Mistake:   "The reply left before the write was durable, and a crash took it.",
			Exit:      1,
		}, {
			Name: "money/not-conserved",
			Statement: "In a settled trace each branch's money at the end is its opening plus the deposits and minus the " +
				"withdrawals that customers' logs say were acknowledged, give or take those whose outcome they do not know.",
			Reason:  "The customers' logs alone, which no branch can have got wrong, say how much must be there.",
			Source:  "double-entry bookkeeping: the two sides of the books agree",
			Mistake: "A write was executed twice or never, or a reply did not say what happened.",
			Exit:    1,
		},
	}
}
