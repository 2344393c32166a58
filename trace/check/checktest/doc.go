// Package checktest is the dumb twin of the streaming checker: every rule of the blueprint's section 8, written from its
// statement alone over a trace that is wholly in memory, one small function a rule, with no care for speed. The
// checker's tests put random traces and mutants through both and compare what they find.
//
// # Terms
//
// An event is named by its process and seq. Where a log has two events of one name, the name means the first. The order
// within one process is that of its log, whatever seq and clock say; "before" below means that. "First" among events
// of several processes is by (clock, process, seq), called the total order.
//
// A line that does not parse is as if it were not there; what its absence breaks is found as well.
//
// A log has ended when an end record of its process follows the last header of that process. It is a slice when the first header,
// standing before all events, has `first` > 1. The send of a receive is the event named (peer, cause), if it is of kind send. A process's mode is that of the first
// header that has one, else that of run.json.
//
// A replica is a process with role branch; without a role in its headers, one with an order, a snapshot or an execute
// of a write. A customer is a process with role customer; without a role, one that sends requests.
//
// A snapshot replaces a replica's state and so begins a life of it. What the replica has executed at a point of its log is
// all up to `sees` of the last snapshot before it, and every write with an execute, of whatever result, between the two;
// without snapshot every write with an execute before it. Its vector is the gap-free prefix of that for every origin. A
// slice says from its first snapshot on what it has executed: where slice* is below, it is silent up to there only.
//
// The balance of an account at a replica is the last one that an execute (balance, to_balance) recorded since the last
// snapshot; before these what the snapshot records; where there is no snapshot, or it does not name the account, the
// opening of the log's first header, if that is of incarnation 1 and the log no slice; else it is not known.
// After an execute with result ok that changes the account and records no balance of it, it is not known either.
//
// An execute is for a respond if it has the same request and the op, accounts and amount that the branch received in the
// event that `answers` names. Where there is no such event, the same request is enough. So an id that was used twice for
// different operations, which is answered with conflict, stands for two requests.
//
// What a respond asks for (op, accounts, amount) is in the receive that `answers` names; else in the first send of the request.
//
// Requests count as writes of money for op deposit, withdraw and transfer. All that needs a step, a result or a request
// leaves events without one alone.
//
// # Reading of the statements
//
// Event and Other are the fields of a [Finding]; – is "". E is the event named under Event.
//
//	rule                             Event                         Other                        silent
//	log/malformed                    name of the log, once         –                            last line without line end: that is log/truncated
//	                                 name of the log, once a       process                      records of a process in a log other than its own (that
//	                                 process                                                    with its header, else the first by name): taken as not
//	                                                                                            there
//	                                 process; event                –; last event                incarnation not one higher; second end; event after the
//	                                                                                            end; clock of the end is not that of the last event
//	log/truncated                    process, once                 –                            last header promises no end. A torn last line is one
//	                                                                                            more sign, of the process of the line before it (the
//	                                                                                            log's name without one)
//	log/missing                      process                       –                            any record makes a log. Named are: peers of headers and
//	                                                                                            events, processes of run.json
//	log/sequence-gap                 later event; the first event  event before; –              –
//	                                 if its seq is not first (1)
//	                                 process                       last event; –                `events` of the end is the last seq
//	clock/not-increasing             later event                   event right before           –
//	clock/receive-not-after-send     receive                       send                         no send found
//	clock/stamp-mismatch             receive                       send                         no send found; no stamp
//	clock/not-exact                  event                         the send of a receive;       not strict; event right before is not seq-1 (unless
//	                                                               without one, and for others, seq is 1 and it is the first); receive with neither
//	                                                               the event before; –          send nor stamp. The send's clock counts, the stamp only
//	                                                                                            where no send is found
//	message/orphan-receive           receive                       event of that name that is   no log of the peer; cause < first; cause > the peer's
//	                                                               no send; –                   greatest seq and its log has not ended
//	message/duplicate-receive        each receive but the first    first receive: the           no send found
//	                                                               addressee's own first, else
//	                                                               in the total order
//	message/misdelivered             receive                       send                         no send found; send without peer
//	message/lost                     send                          –                            received by anyone; send without peer; peer's log is
//	                                                                                            missing, has not ended or is a slice
//	causality/cycle                  of each knot (strongly        its send                     –
//	                                 connected part) the receive
//	                                 least by (process, seq) that
//	                                 happens before its own send
//	request/unanswered               first send of the request     –                            its process's log has not ended. Any result answers
//	request/answered-twice           later respond with the same   first such respond           answers missing
//	                                 answers at the branch
//	                                 respond with another result   first respond, in the total  result other than ok, insufficient, conflict: a refusal is
//	                                 to the same write request     order                        one of one attempt, and a retry may succeed; not a
//	                                                                                            write; other payload (op, accounts, amount)
//	request/answer-differs           respond                       its execute: at its branch   result unknown; refused, if the request was sent more than
//	                                                               before it, a query's latest, once; no execute there; a result or balance that one of
//	                                                                                           the two lacks. Except in mode total, where a write has
//	                                                               a write's first not         one result, only executes since the last snapshot count
//	                                                               `duplicate`
//	                                 customer's receive            send                         no send found or not a respond. Request, result and
//	                                                                                            both balances must be equal, absence included
//	request/answered-unexecuted      respond                       –                            no execute in the whole trace; some log is a slice, or some
//	                                                                                            receive is uncovered: the execute may be there. An
//	                                                                                            execute anywhere in its past counts if of the request
//	                                                                                            and ok
//	request/altered                  order                         last receive of the request  op none of deposit, withdraw, transfer; neither receive
//	                                                               at the branch before it, if  before it at the branch nor send. Any one that is the
//	                                                               none is like the order;      same is enough
//	                                                               else first send, if no send
//	                                                               is like it
//	replica/executed-twice           later execute                 the snapshot, if it covers   executes before the last snapshot
//	                                                               the write; first execute
//	                                                               since
//	replica/phantom-execute          execute; snapshot, for the    –                            order at the origin, wherever in its log; origin's log
//	                                 first such write of an origin                              missing or a slice, or, elsewhere than at the
//	                                                                                            origin, not ended with no order of a higher n
//	replica/altered                  execute                       order                        no order. Compared: op, account, to_account, to_branch,
//	                                                                                            amount, at, request
//	replica/missing-execute, gap     execute with n > greatest n   event that had that n: an    greatest n unknown in a slice*
//	                                 executed of its origin + 1    execute or a snapshot; –
//	replica/missing-execute, end     order; without it the first   –; Replica says where        replica's log has not ended or is a slice*. Every write
//	                                 execute in the total order                                 not executed there, those in a gap too; same findings
//	                                                                                            settled or not, then as warnings
//	replica/order-differs            execute                       execute of a write, or       mode not total; executes without at are passed over. A
//	                                                               snapshot, right before       snapshot has the greatest timestamp of the last writes
//	                                                                                            that it brought of each origin, as ordered
//	replica/execute-before-horizon   execute, once                 –                            mode not total; slice. Branches are the replicas and the
//	                                                                                            peers in their headers but customers. Any receive from
//	                                                                                            the branch counts, with its stamp, one without stamp for
//	                                                                                            all. So does a propagate, from anyone, of a write that the
//	                                                                                            branch ordered at that time or later: it orders nothing
//	                                                                                            earlier any more. So does the last such write that the
//	                                                                                            last snapshot brought
//	replica/dependency-missing       execute                       order                        mode not causal; slice*; no order. The vector before E must
//	                                                                                            cover deps of the order
//	replica/wrong-vector             execute of a query, of a      –                            slice*. sees must be the vector after E; without sees it
//	                                 write at its origin, of any                                is the empty one
//	                                 other with sees
//	replica/diverged, opening        process                       first process by name        account not in both; no opening
//	replica/diverged, vector         event that took the vector    event that took a replica    slice*; either replica executed beyond a gap. Compared
//	                                 there; any snapshot           there first, in the total    are accounts with a balance in E or Other, known to both;
//	                                                               order                        a snapshot gives that of all
//	replica/diverged, write          execute                       first execute of the write,  mode not total; same life of the same replica; a result or
//	                                                               in the total order           balance that one of the two lacks
//	money/unexplained-balance        execute, query included       event that gave the balance  balance before not known; no op, or a write without result.
//	                                                               before, a snapshot for those No effect unless ok
//	                                                               that it does not name, too;
//	                                                               – for the opening
//	money/overdrawn                  execute or snapshot; process  –                            balances of responds
//	                                 for its opening
//	money/wrong-refusal              execute of a write            event that gave the balance  mode not total; balance before and after not known.
//	                                                               before; –                    A deposit needs nothing, so is never insufficient
//	money/refused-but-executed       respond                       first ok execute of a write  refused, if the request was sent more than once
//	                                                               for it, in the total order
//	money/acknowledged-but-lost      ok respond to a write         –; Replica says where        not settled; replica's log has not ended or is a slice*.
//	                                                                                            By the write's id: that of the respond's execute (as in
//	                                                                                            answer-differs), else of the request's first ok execute.
//	                                                                                            Without either, a replica with a snapshot may have it
//	money/not-conserved              replica                       –                            not settled; a named process without log; no customer, or
//	                                                                                            one whose log has not ended or is a slice; replica's log
//	                                                                                            has not ended, or lacks an opening or a balance of an
//	                                                                                            account. Unknown: no reply but `unknown`, or `refused` when sent again; deposits
//	                                                                                            widen upward, withdrawals downward. Transfers move nothing
//	session/read-your-writes         execute of a query            see below                    earlier request has no ok execute of a write
//	session/monotonic-reads          execute of a query            see below                    earlier request has no execute of a query
//	session/monotonic-writes         ok execute of a write         see below                    slice*; earlier request has no ok execute of a write
//	session/writes-follow-reads      ok execute of a write         see below                    slice*; earlier request has no execute of a query
//
// In session rules, an earlier request of E's request is one of the same customer whose reply with result ok the customer
// received before it first sent E's request, at the first such reply. There is one finding for each E: Other is the receive
// of the latest reply that E does not fit with, as one per earlier request would be quadratic in a session. All are silent
// where the customer's log lacks the send of E's request. The write of a request is that of the first ok execute in the total order. What a query saw is sees
// of its latest execute at the replying branch before the respond. Read-your-writes: sees of E covers the write.
// Monotonic-reads: sees of E covers what the earlier query saw. Monotonic-writes: the replica executed the write before E.
// Writes-follow-reads: the replica's vector before E covers what the earlier query saw.
package checktest
