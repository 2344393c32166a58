package check

import (
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// A window is a map, whatever is put in and taken out in which order.
func TestWindowAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w window[int]
		twin := map[numbered]int{}
		key := rapid.Custom(func(t *rapid.T) numbered {
			// Numbers that meet in rings of every length.
			n := rapid.Uint64Range(1, 40).Draw(t, "n") + rapid.SampledFrom([]uint64{0, 16, mostSlots, 7 * mostSlots, 1 << 50}).Draw(t, "rounds")
			return numbered{rapid.Int32Range(0, 3).Draw(t, "id"), n}
		})
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k, thing := key.Draw(t, "key"), rapid.Int().Draw(t, "thing")
				w.put(k, thing)
				twin[k] = thing
			},
			"get": func(t *rapid.T) {
				k := key.Draw(t, "key")
				got, ok := w.get(k)
				if want, has := twin[k]; got != want || ok != has {
					t.Fatalf("get(%v) = %d, %v; want %d, %v", k, got, ok, want, has)
				}
			},
			"take": func(t *rapid.T) {
				k := key.Draw(t, "key")
				got, ok := w.take(k)
				if want, has := twin[k]; got != want || ok != has {
					t.Fatalf("take(%v) = %d, %v; want %d, %v", k, got, ok, want, has)
				}
				delete(twin, k)
			},
			"remove some": func(t *rapid.T) {
				odd := func(_ numbered, thing int) bool { return thing%2 != 0 }
				w.each(odd)
				maps.DeleteFunc(twin, odd)
			},
			"": func(t *rapid.T) {
				all := map[numbered]int{}
				w.each(func(k numbered, thing int) bool {
					all[k] = thing
					return false
				})
				if !maps.Equal(all, twin) || w.len() != len(twin) {
					t.Fatalf("the window of %d holds %v, want %v", w.len(), all, twin)
				}
			},
		})
	})
}
