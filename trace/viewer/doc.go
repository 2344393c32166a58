// Package viewer shows a trace in a browser: its processes as lifelines, its events by their clocks, its messages as arrows,
// what happened before, after and concurrently with an event, and what a check found.
//
// [Open] reads a trace and keeps an index of it: per event its clock, its kind and what it can be searched by, some 26 bytes,
// and per message 20. The log lines stay on disk. A [Viewer] is an http.Handler for the page and for what the page asks; of
// the events it is only ever sent those of the stretch of clocks on screen, or, where these are too many to be told apart,
// their number per cell. [Viewer.WritePage] writes the same page as one file that holds a whole, smaller trace.
//
// [Watch] shows a run that is under way: the index is built anew when the logs have grown, and takes the place of the old one,
// which is closed when the last question to it is answered. The page asks for the overview once a second, and where its
// generation has changed for what is on screen.
//
// # What the page asks
//
// All answers are JSON, all requests are GET. An event is named PROCESS,PLACE: the number of its process in the overview,
// and its place in the log of that process, both from 0.
//
//	/api/overview                  processes, range of clocks, counts, verdict; generation, and growing while there is more to come
//	/api/findings?from=N&limit=N   what the check found
//	/api/tile?z=Z&i=I&only=P,P...  the clocks from I*2^Z to (I+1)*2^Z-1, of all processes or some
//	/api/event?at=P,N              an event: its line, its expected clock, its past and its future
//	/api/pair?a=P,N&b=P,N          how two events stand to each other
//	/api/near?p=P&clock=C          the event of a process whose clock is nearest to C
//	/api/search?q=TEXT&limit=N     events by process, clock, kind, step, request, write, account or peer
//
// While a trace grows, processes join it and numbers change: g=GENERATION says which overview the numbers of a question are
// from, and where these have changed since, the answer is status 409.
//
// The page's source is the folder web; what it is built to, web/dist, is part of the program.
package viewer
