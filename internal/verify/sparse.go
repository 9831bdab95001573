package verify

import (
	"iter"
	"slices"
)

const pageSize = 64

// A sparse is an array of T over the indexes from 0 on that takes memory only near the
// indexes in use. Foreign servers number their messages as they please, even
// by the clock, so a plain slice would not do.
type sparse[T any] struct {
	pages map[int64]*[pageSize]T
	keys  []int64 // of pages, ascending

	lastKey int64 // the page asked for last: most neighbours are in it
	last    *[pageSize]T
}

// at returns the place of index i, zero if it is new.
func (s *sparse[T]) at(i int64) *T {
	key := i / pageSize
	page := s.page(key)
	if page == nil {
		if s.pages == nil {
			s.pages = make(map[int64]*[pageSize]T)
		}
		page = new([pageSize]T)
		s.pages[key] = page
		pos, _ := slices.BinarySearch(s.keys, key)
		s.keys = slices.Insert(s.keys, pos, key)
		s.lastKey, s.last = key, page
	}
	return &page[i%pageSize]
}

// peek is at for reading: nil if nothing near i is in use.
func (s *sparse[T]) peek(i int64) *T {
	if i < 0 {
		return nil
	}
	if page := s.page(i / pageSize); page != nil {
		return &page[i%pageSize]
	}
	return nil
}

func (s *sparse[T]) page(key int64) *[pageSize]T {
	if s.last == nil || s.lastKey != key {
		page := s.pages[key]
		if page == nil {
			return nil
		}
		s.lastKey, s.last = key, page
	}
	return s.last
}

// between yields the places from first to last, in order, page by page; those
// of pages not in use are left out.
func (s *sparse[T]) between(first, last int64) iter.Seq2[int64, *T] {
	return func(yield func(int64, *T) bool) {
		pos, _ := slices.BinarySearch(s.keys, first/pageSize)
		for _, key := range s.keys[pos:] {
			page := s.pages[key]
			for j := range int64(pageSize) {
				i := key*pageSize + j
				if i > last {
					return
				}
				if i >= first && !yield(i, &page[j]) {
					return
				}
			}
		}
	}
}

// forgetBelow frees the pages that lie wholly below index i.
func (s *sparse[T]) forgetBelow(i int64) {
	n := 0
	for n < len(s.keys) && (s.keys[n]+1)*pageSize <= i {
		delete(s.pages, s.keys[n])
		n++
	}
	if n > 0 {
		s.keys = slices.Delete(s.keys, 0, n)
		s.last = nil
	}
}
