package verify

// outcomes are all that is kept of a worker's forgotten operations, in 2 bits each.
type outcomes struct {
	pages int32 // how many pages of operations, pageSize each, are forgotten
	bits  map[int32]*[pageSize / 4]uint8
}

const (
	forgotStored = iota + 1
	forgotFailed
	forgotUnknown
)

func (o *outcomes) has(number int32) bool { return number/pageSize < o.pages }

func (o *outcomes) of(number int32) Outcome {
	page := o.bits[number/pageSize]
	if page == nil {
		return Unknown
	}
	switch page[number%pageSize/4] >> (number % 4 * 2) & 3 {
	case forgotStored:
		return OK
	case forgotFailed:
		return Failed
	}
	return Unknown
}

func (o *outcomes) set(number int32, what uint8) {
	if o.bits == nil {
		o.bits = make(map[int32]*[pageSize / 4]uint8)
	}
	page := o.bits[number/pageSize]
	if page == nil {
		page = new([pageSize / 4]uint8)
		o.bits[number/pageSize] = page
	}
	bits := &page[number%pageSize/4]
	shift := number % 4 * 2
	*bits = *bits&^(3<<shift) | what<<shift
}
