package sink

import "fmt"

// Object is one that stands in a store, as a Keeper finds it.
type Object struct {
	Name  string
	Bytes int64 // its size

	Partition int32 // by its name; -1 where that is not of an object's form
	First     int64 // offset of its first row, by its name

	Is    Mark   // what it says of itself
	Alien string // why it says nothing of itself that can be understood; "" where it does
}

// Broken says that an object is not what it says of itself.
type Broken struct{ Name, Why string }

func (e *Broken) Error() string { return fmt.Sprintf("%s is damaged: %s", e.Name, e.Why) }
