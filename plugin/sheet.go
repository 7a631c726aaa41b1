package plugin

// Sheet is what Decode made of a file, and where in it everything stands, for what is found wrong only later.
type Sheet struct {
	Plugins []Built // in the order of the file, a plugin before the one it is an option of

	d        *decoder
	top      place
	shape    *shape
	literals Problems
}

// Literals is the secrets that stand in the file itself, where everybody who sees it sees them.
func (s *Sheet) Literals() Problems { return s.literals.tidy() }

// Built is a plugin that was built, and the option that asked for it: connectors.lake.sink.s3.
type Built struct {
	Option string
	Value  any
}

// On has Decode fill a Sheet. Without an error it is whole.
func On(s *Sheet) DecodeOption {
	return func(d *decoder) { d.sheet = s }
}

// Says tells whether the file gives an option, such as a block.
func (s *Sheet) Says(option string) bool {
	return child(s.top.node, option) != nil
}

// Line is where an option stands, or else what it would stand in.
func (s *Sheet) Line(option string) int { return s.d.locate(s.top, s.shape, option).line }

// Problems says where what an error is about stands: an option, or one below it that the error names by Option. Values from outside
// the file are put back into the file's text for them.
func (s *Sheet) Problems(option string, err error) (all Problems) {
	for _, f := range faults(Option(option, err)) {
		at := s.d.locate(s.top, s.shape, f.option)
		all = append(all, Problem{s.d.name, at.line, at.path, s.d.literals.mask(s.d.secrets.mask(f.err))})
	}
	return all
}
