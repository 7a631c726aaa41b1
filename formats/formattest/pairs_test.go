package formattest_test

// pair is a JSON value, the type of its column, and what every reader must see: dates as days and timestamps as microseconds since
// 1970, bytes in hexadecimal, decimals as text. The map but says which reader sees something else, and what.
type pair struct {
	typ, json, want string
	but             map[string]string
}

// bad is for values that do not fit: the record is bad, alone.
const bad = ""

const duckLines = "duckdb of JSON lines"

// inLines says what DuckDB sees of JSON lines, where bytes are text in base64, and columns of type JSON are written anew.
func inLines(s string) map[string]string { return map[string]string{duckLines: s} }

var pairs = []pair{
	{"string", `"HSI"`, `"HSI"`, nil},
	{"string", `""`, `""`, nil},
	{"string", `"é漢字😀 \u00e9\ud83d\ude00"`, `"é漢字😀 é😀"`, nil},
	{"string", `"tab\t quote\" back\\ slash\/ new\nline"`, `"tab\t quote\" back\\ slash/ new\nline"`, nil},
	{"string", `"a\u0000b"`, `"a\u0000b"`, nil},
	{"string", `"null"`, `"null"`, nil},
	{"string", `null`, `null`, nil},
	{"string", `1`, bad, nil},
	{"string", `{"a":1}`, bad, nil},

	{"bool", `true`, `true`, nil},
	{"bool", `false`, `false`, nil},
	{"bool", `null`, `null`, nil},
	{"bool", `1`, bad, nil},
	{"bool", `"true"`, bad, nil},

	{"int32", `0`, `0`, nil},
	{"int32", `2147483647`, `2147483647`, nil},
	{"int32", `-2147483648`, `-2147483648`, nil},
	{"int32", `12.0`, `12`, nil},
	{"int32", `null`, `null`, nil},
	{"int32", `2147483648`, bad, nil},
	{"int32", `-2147483649`, bad, nil},
	{"int32", `1.5`, bad, nil},
	{"int32", `"1"`, bad, nil},

	{"int64", `9223372036854775807`, `9223372036854775807`, nil},
	{"int64", `-9223372036854775808`, `-9223372036854775808`, nil},
	{"int64", `9007199254740993`, `9007199254740993`, nil},
	{"int64", `-0`, `0`, nil},
	{"int64", `1e3`, `1000`, nil},
	{"int64", `9223372036854775808`, bad, nil},
	{"int64", `true`, bad, nil},

	{"float", `0.1`, `0.1`, nil},
	{"float", `3.4028234e38`, `3.4028234e38`, nil},
	{"float", `1e-45`, `1e-45`, nil},
	{"float", `-0.0`, `-0.0`, nil},
	{"float", `3.5e38`, bad, nil},

	{"double", `2568.300049`, `2568.300049`, nil},
	{"double", `333.87900637000003`, `333.87900637000003`, nil},
	{"double", `1.7976931348623157e308`, `1.7976931348623157e308`, nil},
	{"double", `5e-324`, `5e-324`, nil},
	{"double", `-0.0`, `-0.0`, nil},
	{"double", `12`, `12`, nil},
	{"double", `9007199254740993`, `9007199254740992`, nil},
	{"double", `null`, `null`, nil},
	{"double", `1e400`, bad, nil},
	{"double", `"NaN"`, bad, nil},
	{"double", `"Infinity"`, bad, nil},
	{"double", `"1.5"`, bad, nil},

	{"decimal(9,2)", `1234567.89`, `"1234567.89"`, nil},
	{"decimal(9,2)", `-0.5`, `"-0.50"`, nil},
	{"decimal(9,2)", `"0.01"`, `"0.01"`, nil},
	{"decimal(9,2)", `9999999.99`, `"9999999.99"`, nil},
	{"decimal(9,2)", `-9999999.99`, `"-9999999.99"`, nil},
	{"decimal(9,2)", `10000000`, bad, nil},
	{"decimal(9,2)", `0.001`, bad, nil},
	{"decimal(9,2)", `"NaN"`, bad, nil},
	{"decimal(9,0)", `1e8`, `"100000000"`, nil},
	{"decimal(18,4)", `99999999999999.9999`, `"99999999999999.9999"`, nil},
	{"decimal(18,4)", `-99999999999999.9999`, `"-99999999999999.9999"`, nil},
	{"decimal(18,18)", `0.000000000000000001`, `"0.000000000000000001"`, nil},
	{"decimal(19,0)", `-9999999999999999999`, `"-9999999999999999999"`, nil},
	{"decimal(20,10)", `"1234567890.0123456789"`, `"1234567890.0123456789"`, nil},
	{"decimal(38,0)", `"99999999999999999999999999999999999999"`, `"99999999999999999999999999999999999999"`, nil},
	{"decimal(38,10)", `-1234567890123456789012345678.0123456789`, `"-1234567890123456789012345678.0123456789"`, nil},
	{"decimal(38,38)", `0`, `"0.00000000000000000000000000000000000000"`, nil},
	{"decimal(38,2)", `null`, `null`, nil},

	{"date", `"2010-01-08"`, `14617`, nil},
	{"date", `"1969-12-31"`, `-1`, nil},
	{"date", `"1900-02-28"`, `-25509`, nil},
	{"date", `"0001-01-01"`, `-719162`, nil},
	{"date", `"9999-12-31"`, `2932896`, nil},
	{"date", `"2010-02-30"`, bad, nil},
	{"date", `14617`, bad, nil},
	{"date", `"08.01.2010"`, bad, nil},

	{"timestamp(ms)", `"2010-01-08T12:30:01.5+08:00"`, `1262925001500000`, nil},
	{"timestamp(ms)", `1262925001500`, `1262925001500000`, nil},
	{"timestamp(ms)", `"1969-12-31T23:59:59.9999Z"`, `-1000`, nil},
	{"timestamp(ms)", `"9999-12-31T23:59:59.999Z"`, `253402300799999000`, nil},
	{"timestamp(us)", `"2010-01-08 12:30:01.000001"`, `1262953801000001`, nil},
	{"timestamp(us)", `"2010-01-08"`, `1262908800000000`, nil},
	{"timestamp(us)", `1262925001.5`, `1262925001500000`, nil},
	{"timestamp(us)", `"1969-12-31T23:59:59.999999Z"`, `-1`, nil},
	{"timestamp(us)", `"0001-01-01T00:00:00Z"`, `-62135596800000000`, nil},
	{"timestamp(us)", `"9999-12-31T23:59:59.999999Z"`, `253402300799999999`, nil},
	{"timestamp(us)", `"2010-01-08T25:00:00Z"`, bad, nil},
	{"timestamp(us)", `253402300800000`, bad, nil},
	{"timestamp(us)", `"yesterday"`, bad, nil},

	{"bytes", `"AAH/"`, `"0001ff"`, inLines(`"AAH/"`)},
	{"bytes", `""`, `""`, nil},
	{"bytes", `"w6k="`, `"c3a9"`, inLines(`"w6k="`)},
	{"bytes", `"AA"`, bad, nil},

	{"json", `{"a": [1, null, "é"]}`, `"{\"a\": [1, null, \"é\"]}"`, inLines(`"{\"a\":[1,null,\"é\"]}"`)},
	{"json", `"text"`, `"\"text\""`, nil},
	{"json", `1.50`, `"1.50"`, inLines(`"1.5"`)},
	{"json", `true`, `"true"`, nil},
	{"json", `[ ]`, `"[ ]"`, inLines(`"[]"`)},
	{"json", `null`, `null`, nil},

	{"list<string>", `["a","",null,"é\n"]`, `["a","",null,"é\n"]`, nil},
	{"list<string>", `[]`, `[]`, nil},
	{"list<string>", `[null]`, `[null]`, nil},
	{"list<string>", `null`, `null`, nil},
	{"list<string>", `"a"`, bad, nil},
	{"list<int64>", `[9223372036854775807,-1]`, `[9223372036854775807,-1]`, nil},
	{"list<int64>", `[1,"x"]`, bad, nil},
	{"list<double>", `[0.1,null,1e300]`, `[0.1,null,1e300]`, nil},
	{"list<bool>", `[true,false,null]`, `[true,false,null]`, nil},
	{"list<date>", `["1969-12-31","2010-01-08"]`, `[-1,14617]`, nil},
	{"list<timestamp(ms)>", `["1969-12-31T23:59:59.999Z",0]`, `[-1000,0]`, nil},
	{"list<decimal(38,2)>", `[-0.01,"12345678901234567890123.45"]`, `["-0.01","12345678901234567890123.45"]`, nil},
	{"list<bytes>", `["AAH/",null]`, `["0001ff",null]`, inLines(`["AAH/",null]`)},
	{"list<list<int32>>", `[[1,2],[],null,[null,3]]`, `[[1,2],[],null,[null,3]]`, nil},
	{"list<list<list<string>>>", `[[["a"],[]],[],[null,[null,"b"]]]`, `[[["a"],[]],[],[null,[null,"b"]]]`, nil},

	{"struct<a:int64,b:string>", `{"a":1,"b":"x"}`, `{"a":1,"b":"x"}`, nil},
	{"struct<a:int64,b:string>", `{"b":"x","other":[]}`, `{"a":null,"b":"x"}`, nil},
	{"struct<a:int64,b:string>", `{}`, `{"a":null,"b":null}`, nil},
	{"struct<a:int64,b:string>", `null`, `null`, nil},
	{"struct<a:int64,b:string>", `{"a":"x"}`, bad, nil},
	{"struct<a:int64,b:string>", `[1,"x"]`, bad, nil},
	{"struct<z:bool,a:struct<d:decimal(9,2),t:timestamp(us)>>", `{"a":{"t":-1,"d":1.5},"z":true}`, `{"z":true,"a":{"d":"1.50","t":-1000000}}`, nil},
	{"struct<a:struct<x:int32>>", `{"a":null}`, `{"a":null}`, nil},
	{"struct<Adj Close:double,日本:string>", `{"Adj Close":1.5,"日本":"é"}`, `{"Adj Close":1.5,"日本":"é"}`, nil},
	{"struct<l:list<string>,m:list<int32>>", `{"l":["a",null],"m":[]}`, `{"l":["a",null],"m":[]}`, nil},
	{
		"list<struct<id:int32,at:list<date>>>", `[{"id":1,"at":["1970-01-02",null]},null,{"at":null},{"id":2,"at":[]}]`,
		`[{"id":1,"at":[1,null]},null,{"id":null,"at":null},{"id":2,"at":[]}]`, nil,
	},
}
