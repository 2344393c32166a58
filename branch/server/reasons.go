package server

import (
	"google.golang.org/grpc/codes"

	"github.com/seed-8ff1fc32/bank-trace/branch"
)

// The reasons that the shell has of its own, beside the core's.
const (
	ReasonStopping     branch.Reason = "BRANCH_STOPPING"
	ReasonLogFailed    branch.Reason = "LOG_FAILED"
	ReasonStoreFailed  branch.Reason = "STORE_FAILED"
	ReasonOldCopy      branch.Reason = "OLD_COPY"
	ReasonCluster      branch.Reason = "CLUSTER_MISMATCH"
	ReasonPeer         branch.Reason = "PEER_UNEXPECTED"
	ReasonBadFrame     branch.Reason = "FRAME_INVALID"
	ReasonBacklog      branch.Reason = "PEER_TOO_SLOW"
	ReasonLinkReplaced branch.Reason = "LINK_REPLACED"
	ReasonPeerLives    branch.Reason = "PEER_LIVES"
)

// Explanation is what a reason comes with.
type Explanation struct {
	Code    codes.Code
	Meaning string
	Remedy  string
}

// Explain returns the gRPC code of a reason, what it means, and what to do about it: the one table of all reasons, which
// docs/errors.md shows.
func Explain(r branch.Reason) Explanation {
	if e, ok := requestReason(r); ok {
		return e
	}
	if e, ok := branchReason(r); ok {
		return e
	}
	return Explanation{codes.Internal, "the program does not know this reason", "report this as a fault of the program"}
}

// requestReason has the core's reasons: they are about one request.
func requestReason(r branch.Reason) (Explanation, bool) {
	switch r {
	case branch.ReasonInsufficient:
		return Explanation{codes.FailedPrecondition, "the balance is below the amount",
			"ask for less, or deposit first"}, true
	case branch.ReasonAccountUnknown:
		return Explanation{codes.NotFound, "the bank has no such account",
			"name an account that the bank was opened with"}, true
	case branch.ReasonAmount:
		return Explanation{codes.InvalidArgument, "the amount is none that can move",
			"give an amount from 1 to 2^53 minor units"}, true
	case branch.ReasonSameAccount:
		return Explanation{codes.InvalidArgument, "a transfer goes to the account that it comes from",
			"name two different accounts"}, true
	case branch.ReasonBalanceLimit:
		return Explanation{codes.OutOfRange, "the balance would pass 2^62",
			"deposit less, or at another account"}, true
	case branch.ReasonConflict:
		return Explanation{codes.AlreadyExists, "the request number was used for another operation before",
			"give each new operation a request number of its own"}, true
	case branch.ReasonOverloaded:
		return Explanation{codes.ResourceExhausted, "too many requests wait already",
			"try again later; if it lasts, see which branch is away"}, true
	case branch.ReasonSessionBehind:
		return Explanation{codes.Unavailable, "the branch has not yet executed what the session has seen elsewhere",
			"try again, or at the branch that you called before"}, true
	case branch.ReasonOutcomeUnknown:
		return Explanation{codes.DeadlineExceeded, "time was over before it was known what becomes of the request",
			"make the same request again, with its number; or query the account"}, true
	case branch.ReasonStampRefused:
		return Explanation{codes.InvalidArgument, "the message's clock is absurdly far ahead",
			"send the clock of the request's own send event"}, true
	case branch.ReasonStaleMessage:
		return Explanation{codes.Aborted, "a later message of the same customer came first; this one may be a copy of one that was taken",
			"make the request again as a new message, with its number"}, true
	case branch.ReasonRecovering:
		return Explanation{codes.Unavailable, "the branch was restarted and waits for every other branch to say what it knows",
			"try again, or at another branch; if it lasts, see which branch is away"}, true
	case branch.ReasonRights:
		return Explanation{codes.Unavailable, "the branch may not withdraw so much on its own, and not all others answer",
			"try again when the branches are connected again, or ask for less"}, true
	case branch.ReasonFenced:
		return Explanation{codes.Aborted, "every branch that the request was sent to has promised another not to execute it, and none had",
			"make it again as a new request: this one has no effect and never will"}, true
	case branch.ReasonDataLoss:
		return Explanation{codes.DataLoss, "the session has seen writes that their branch has never made: it has lost data",
			"tell whoever runs the bank; a new session can go on without them"}, true
	case branch.ReasonRequestInvalid:
		return Explanation{codes.InvalidArgument, "a field of the request is missing or cannot be right",
			"correct the field that the message names"}, true
	}
	return Explanation{}, false
}

// branchReason has the shell's reasons: they are about a branch as a whole, or about a link between two.
func branchReason(r branch.Reason) (Explanation, bool) {
	switch r {
	case ReasonStopping:
		return Explanation{codes.Unavailable, "the branch is being stopped and takes no requests", "call another branch"}, true
	case ReasonLogFailed:
		return Explanation{codes.Unavailable, "its log cannot be written",
			"see to the disk of the branch's log and start it again; call another branch meanwhile"}, true
	case ReasonStoreFailed:
		return Explanation{codes.Unavailable, "its data cannot be written",
			"see to the disk of the branch's data and start it again; call another branch meanwhile"}, true
	case ReasonOldCopy:
		return Explanation{codes.Unavailable, "its data is an old copy, or was lost: other branches know of more",
			"bring the newest copy of the branch's data back; call another branch meanwhile"}, true
	case ReasonCluster:
		return Explanation{codes.FailedPrecondition, "the two branches are not of one bank",
			"start all branches with the same names, mode and opening balances"}, true
	case ReasonPeer:
		return Explanation{codes.InvalidArgument, "another branch was expected at this end of the link",
			"see which branch each peer address belongs to"}, true
	case ReasonBadFrame:
		return Explanation{codes.InvalidArgument, "what came on the link is nothing that a branch would send",
			"run the same version of the program on all branches"}, true
	case ReasonBacklog:
		return Explanation{codes.ResourceExhausted, "the other branch does not take its messages fast enough",
			"none: the branches connect again by themselves"}, true
	case ReasonLinkReplaced:
		return Explanation{codes.Aborted, "the other branch has connected anew", "none: the newer connection takes its place"}, true
	case ReasonPeerLives:
		return Explanation{codes.FailedPrecondition, "a branch that wants to join again is connected, so it is served already",
			"stop its other process first"}, true
	}
	return Explanation{}, false
}
