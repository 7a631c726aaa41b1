package plugin

// Outside is an error that only something outside the process can mend: a right is missing, a bucket, a crawler. Whoever meets it
// goes on trying for as long as that takes, shows what is waited for, and needs nobody's word once it is there.
type Outside struct {
	Err    error
	Remedy string // what somebody has to do
}

// Error ends with the remedy.
func (e *Outside) Error() string { return e.Err.Error() + "; " + e.Remedy }

// Unwrap gives the reason.
func (e *Outside) Unwrap() error { return e.Err }
