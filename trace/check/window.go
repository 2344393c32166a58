package check

import "maps"

// numbered names one of the things that an id numbers: a message by its sender, a write by its origin.
type numbered struct {
	id int32
	n  uint64 // from 1
}

// window holds what is named by an id and a number, where numbers rise and most things stay for a while only: messages in
// flight, requests that are not answered, writes that are not executed everywhere.
//
//  1. The things of one id stand in a ring, each at its number modulo the ring's length.
//  2. Where an older thing stands in the way, a ring that is well used grows, up to mostSlots. In any other the older one
//     moves to a map: what stays for good, such as a lost message, makes nothing larger or slower that comes after.
type window[T any] struct {
	rings []ring[T] // by id
	tight bool      // rings have one slot
	late  map[numbered]T
	held  int
}

type ring[T any] struct {
	slots []slot[T] // a power of 2
	used  int
	most  uint64 // the highest number so far: what is higher has not been laid in the map
}

type slot[T any] struct {
	n     uint64 // 0 where nothing stands
	thing T
}

const (
	fewSlots  = 16
	mostSlots = 1 << 12
	wellUsed  = 4 // one slot of so many
)

func (w *window[T]) len() int { return w.held }

// slot returns where a thing stands if it is in its ring.
func (w *window[T]) slot(k numbered) *slot[T] {
	if int(k.id) >= len(w.rings) || len(w.rings[k.id].slots) == 0 {
		return nil
	}
	slots := w.rings[k.id].slots
	return &slots[k.n&uint64(len(slots)-1)]
}

func (w *window[T]) get(k numbered) (T, bool) {
	if s := w.slot(k); s != nil && s.n == k.n {
		return s.thing, true
	}
	thing, ok := w.late[k]
	return thing, ok
}

// take returns a thing and removes it.
func (w *window[T]) take(k numbered) (thing T, ok bool) {
	if s := w.slot(k); s != nil && s.n == k.n {
		thing, *s = s.thing, slot[T]{}
		w.rings[k.id].used--
		w.held--
		return thing, true
	}
	if thing, ok = w.late[k]; ok {
		delete(w.late, k)
		w.held--
	}
	return thing, ok
}

// put adds a thing, or puts it in the place of that of the same name.
func (w *window[T]) put(k numbered, thing T) {
	for int(k.id) >= len(w.rings) {
		w.rings = append(w.rings, ring[T]{})
	}
	r := &w.rings[k.id]
	if k.n <= r.most {
		if _, ok := w.late[k]; ok {
			w.late[k] = thing
			return
		}
	}
	r.most = max(r.most, k.n)
	if len(r.slots) == 0 {
		r.slots = make([]slot[T], w.first())
	}
	s := w.slot(k)
	if s.n == k.n {
		s.thing = thing
		return
	}
	w.held++
	for s.n != 0 && !w.tight && len(r.slots) < mostSlots && r.used > len(r.slots)/wellUsed {
		r.grow()
		s = w.slot(k)
	}
	switch {
	case s.n > k.n: // of two the older one goes
		w.lay(k, thing)
		return
	case s.n != 0:
		w.lay(numbered{k.id, s.n}, s.thing)
		r.used--
	}
	r.used++
	*s = slot[T]{k.n, thing}
}

func (w *window[T]) first() int {
	if w.tight {
		return 1
	}
	return fewSlots
}

// lay puts a thing in the map.
func (w *window[T]) lay(k numbered, thing T) {
	if w.late == nil {
		w.late = map[numbered]T{}
	}
	w.late[k] = thing
}

// release hands over what is in the map and forgets it.
func (w *window[T]) release() map[numbered]T {
	late := w.late
	w.late = nil
	w.held -= len(late)
	return late
}

// grow doubles the ring: what stood apart before does so after.
func (r *ring[T]) grow() {
	old := r.slots
	r.slots = make([]slot[T], 2*len(old))
	for _, s := range old {
		if s.n != 0 {
			r.slots[s.n&uint64(len(r.slots)-1)] = s
		}
	}
}

// each calls do for every thing, in no order, and removes it where do reports true.
func (w *window[T]) each(do func(k numbered, thing T) (remove bool)) {
	for id := range w.rings {
		w.eachOf(int32(id), do)
	}
	maps.DeleteFunc(w.late, func(k numbered, thing T) bool {
		remove := do(k, thing)
		if remove {
			w.held--
		}
		return remove
	})
}

// eachOf calls do for what stands in the ring of an id.
func (w *window[T]) eachOf(id int32, do func(k numbered, thing T) (remove bool)) {
	r := &w.rings[id]
	slots := r.slots
	for i := range slots {
		if slots[i].n != 0 && do(numbered{id, slots[i].n}, slots[i].thing) {
			slots[i] = slot[T]{}
			r.used--
			w.held--
		}
	}
}
