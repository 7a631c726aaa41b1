package plugin

import "reflect"

// DecodeOption changes how Decode reads a file.
type DecodeOption func(*decoder)

// Env has ${env:NAME} looked up by another function than os.LookupEnv.
func Env(lookup func(name string) (string, bool)) DecodeOption {
	return func(d *decoder) { d.env = lookup }
}

// Files has ${file:path} read by another function than os.ReadFile.
func Files(read func(name string) ([]byte, error)) DecodeOption {
	return func(d *decoder) { d.file = read }
}

// Fixed gives a block one value, whatever the file says of it or of its options where they are inlined. What the file says is
// checked nevertheless.
func Fixed[C any](value C) DecodeOption {
	return func(d *decoder) { d.fixed[reflect.TypeFor[C]()] = reflect.ValueOf(value) }
}
