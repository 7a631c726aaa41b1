package formattest_test

import (
	"fmt"
	"strings"

	"github.com/penstock/penstock/record"
)

// duckType is how DuckDB is told of a column of JSON lines.
func duckType(t record.Type) string {
	switch t.Kind {
	case record.List:
		return duckType(t.Elem()) + "[]"
	case record.Struct:
		var fields []string
		for _, f := range t.Fields() {
			fields = append(fields, fmt.Sprintf("%q %s", f.Name, duckType(f.Type)))
		}
		return "STRUCT(" + strings.Join(fields, ", ") + ")"
	case record.Decimal:
		return strings.ToUpper(t.String())
	case record.Timestamp:
		return "TIMESTAMP"
	}
	return map[string]string{
		"string": "VARCHAR", "json": "JSON", "bytes": "VARCHAR", "bool": "BOOLEAN", "int32": "INTEGER", "int64": "BIGINT",
		"float": "FLOAT", "double": "DOUBLE", "date": "DATE",
	}[t.String()]
}
