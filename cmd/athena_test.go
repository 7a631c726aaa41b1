package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/penstock/penstock/parts"
)

// athenaPlayer plays Athena: each look at the query shows its next state, the last one for ever.
type athenaPlayer struct {
	t         *testing.T
	mu        sync.Mutex
	states    []string
	reason    string
	category  int // of the failure; 0 for none
	statement string
	refuse    map[string]string // an operation's error: code, a space, message
	columns   []string          // name, a space, type
	rows      [][]string        // "\x00" is NULL
	page      int
	looked    func()

	asked  []string
	tokens map[any]bool // of pages that were asked for
	start  map[string]any
}

func (p *athenaPlayer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonAthena.")
	var in map[string]any
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		p.t.Error(err)
	}
	p.asked = append(p.asked, operation)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if why, ok := p.refuse[operation]; ok {
		code, message, _ := strings.Cut(why, " ")
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]string{"__type": code, "Message": message})
		return
	}
	json.NewEncoder(w).Encode(p.answer(operation, in))
}

func (p *athenaPlayer) answer(operation string, in map[string]any) any {
	switch operation {
	case "StartQueryExecution":
		p.start = in
		return map[string]any{"QueryExecutionId": "q-1"}
	case "StopQueryExecution":
		p.states = []string{"CANCELLED"}
	case "GetQueryExecution":
		if p.looked != nil {
			p.looked()
		}
		return map[string]any{"QueryExecution": p.execution()}
	case "GetQueryResults":
		p.tokens[in["NextToken"]] = true
		return p.results(in)
	}
	return struct{}{}
}

func (p *athenaPlayer) execution() any {
	status := map[string]any{"State": p.states[0], "StateChangeReason": p.reason}
	if p.category > 0 {
		status["AthenaError"] = map[string]any{"ErrorCategory": p.category, "ErrorMessage": p.reason, "Retryable": p.category == 1}
	}
	if len(p.states) > 1 {
		p.states = p.states[1:]
	}
	return map[string]any{"QueryExecutionId": "q-1", "Status": status, "StatementType": p.statement,
		"Statistics": map[string]any{"DataScannedInBytes": 3 << 20, "TotalExecutionTimeInMillis": 1234}}
}

func (p *athenaPlayer) results(in map[string]any) any {
	from := 0
	if token, ok := in["NextToken"].(string); ok {
		fmt.Sscan(token, &from)
	}
	to := min(from+p.page, len(p.rows))
	var info, rows []any
	for _, c := range p.columns {
		name, kind, _ := strings.Cut(c, " ")
		info = append(info, map[string]any{"Name": name, "Label": name, "Type": kind})
	}
	for _, r := range p.rows[from:to] {
		var data []any
		for _, cell := range r {
			if cell == "\x00" {
				data = append(data, struct{}{})
			} else {
				data = append(data, map[string]any{"VarCharValue": cell})
			}
		}
		rows = append(rows, map[string]any{"Data": data})
	}
	out := map[string]any{"ResultSet": map[string]any{"Rows": rows, "ResultSetMetadata": map[string]any{"ColumnInfo": info}}}
	if to < len(p.rows) {
		out["NextToken"] = fmt.Sprint(to)
	}
	return out
}

// player is one of a SELECT that succeeds.
func player(t *testing.T) *athenaPlayer {
	return &athenaPlayer{t: t, tokens: map[any]bool{}, states: []string{"QUEUED", "RUNNING", "RUNNING", "SUCCEEDED"}, statement: "DML", page: 1000,
		columns: []string{"index varchar", "close double", "up boolean"},
		rows:    [][]string{{"index", "close", "up"}, {"HSI", "1.5", "true"}, {"N225", "\x00", "false"}, {"a \"b\",\n\x1b[0m", "NaN", "\x00"}}}
}

// asked runs penstock query against a server, with the file that says where it is.
func asked(t *testing.T, url string, args ...string) (code int, out, errOut string) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	file := filepath.Join(t.TempDir(), "connectors.yaml")
	text := "kafka: {brokers: [localhost:9092]}\naws: {region: us-east-1, endpoint: '" + url + "'}\n" +
		"athena: {database: stock, output: 's3://stock-lake/athena/'}\n" +
		"connectors: {copy: {topics: [stock], sink: {local: {dir: out, format: json}}}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	code = run(Builtin(), append([]string{"query", "--file", file}, args...), &o, &e)
	return code, o.String(), e.String()
}

func played(t *testing.T, h http.Handler) string {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestQueryPrints(t *testing.T) {
	const spent = "3 rows, 3.0 MiB scanned, 1.2 s (query q-1)\n"
	for output, want := range map[string]string{
		"table": "index            close  up\n" +
			"---------------  -----  -----\n" +
			"HSI                1.5  true\n" +
			"N225              NULL  false\n" +
			"a \"b\",\\n\\x1b[0m    NaN  NULL\n",
		"csv": "index,close,up\nHSI,1.5,true\nN225,,false\n\"a \"\"b\"\",\n\x1b[0m\",NaN,\n",
		"json": "[\n" + `{"index":"HSI","close":1.5,"up":true}` + ",\n" + `{"index":"N225","close":null,"up":false}` + ",\n" +
			`{"index":"a \"b\",\n\u001b[0m","close":"NaN","up":null}` + "\n]\n",
	} {
		p := player(t)
		code, out, errOut := asked(t, played(t, p), "SELECT 1", "--output", output)
		if code != 0 || out != want || errOut != spent {
			t.Errorf("%s: exit %d, %q\n%s\nnot\n%s", output, code, errOut, out, want)
		}
		got, _ := json.Marshal([]any{p.start["QueryString"], p.start["WorkGroup"], p.start["QueryExecutionContext"], p.start["ResultConfiguration"]})
		if string(got) != `["SELECT 1","primary",{"Database":"stock"},{"OutputLocation":"s3://stock-lake/athena/"}]` {
			t.Errorf("asked for %s", got)
		}
	}
}

func TestQueryPages(t *testing.T) {
	for _, output := range []string{"table", "csv", "json"} {
		p := player(t)
		p.columns, p.rows = []string{"n bigint", "n bigint"}, [][]string{{"n", "n"}}
		for i := range 2500 {
			p.rows = append(p.rows, []string{fmt.Sprint(i), fmt.Sprint(-i)})
		}
		code, out, errOut := asked(t, played(t, p), "SELECT n, -n AS n FROM stock", "-o", output)
		if lines := strings.Count(out, "\n"); code != 0 || lines < 2501 || lines > 2502 || !strings.HasPrefix(errOut, "2,500 rows, ") {
			t.Errorf("%s: exit %d, %d lines, %s", output, code, lines, errOut)
		}
		if output == "json" {
			var rows []map[string]int
			if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 2500 || rows[2499]["n"] != 2499 || rows[2499]["n_2"] != -2499 {
				t.Errorf("%v, %d rows, %v", err, len(rows), rows)
			}
		}
		if n := len(p.tokens); n != 3 {
			t.Errorf("%d pages", n)
		}
	}
}

// Statements that are no SELECT have no heading among their rows, or no rows at all.
func TestQueryOfOtherStatements(t *testing.T) {
	p := player(t)
	p.statement, p.columns, p.rows = "UTILITY", []string{"tab_name string"}, [][]string{{"tab_name"}, {"stock"}}
	if code, out, _ := asked(t, played(t, p), "SHOW TABLES"); code != 0 || out != "tab_name\n--------\ntab_name\nstock\n" {
		t.Errorf("exit %d\n%s", code, out)
	}
	for output, want := range map[string]string{"table": "", "csv": "", "json": "[]\n"} {
		p = player(t)
		p.statement, p.columns, p.rows = "DDL", nil, nil
		if code, out, _ := asked(t, played(t, p), "CREATE DATABASE stock", "-o", output); code != 0 || out != want {
			t.Errorf("%s: exit %d, %q", output, code, out)
		}
	}
}

func TestQueryFails(t *testing.T) {
	for _, tt := range []struct {
		name, state, reason string
		category            int
		refuse              map[string]string
		code                int
		want                string
	}{
		{"no table", "FAILED", "TABLE_NOT_FOUND: line 1:15: Table 'stock.x' does not exist", 2, nil, exitInput,
			"athena: query q-1 failed: TABLE_NOT_FOUND: line 1:15: Table 'stock.x' does not exist; start the crawler, or mend"},
		{"Athena's own", "FAILED", "GENERIC_INTERNAL_ERROR: x", 1, nil, exitFailed, "GENERIC_INTERNAL_ERROR: x; it may succeed when run again"},
		{"no reason", "FAILED", "", 0, nil, exitFailed, "failed: no reason is given"},
		{"limit", "CANCELLED", "Bytes scanned limit was exceeded", 0, nil, exitFailed, "cancelled: Bytes scanned limit was exceeded; select fewer columns"},
		{"bad SQL", "", "", 0, map[string]string{"StartQueryExecution": "InvalidRequestException line 1:1: mismatched input"}, exitInput,
			"athena: InvalidRequestException: line 1:1: mismatched input"},
		{"no output", "", "", 0, map[string]string{"StartQueryExecution": "InvalidRequestException No output location provided."}, exitInput, "set athena.output"},
		{"no workgroup", "", "", 0, map[string]string{"StartQueryExecution": "InvalidRequestException WorkGroup is not found."}, exitInput, "mend athena.workgroup"},
		{"no right", "", "", 0, map[string]string{"StartQueryExecution": "AccessDeniedException You are not authorized"}, exitEnvironment, "allow athena:StartQueryExecution on the workgroup"},
		{"no right to look", "RUNNING", "", 0, map[string]string{"GetQueryExecution": "AccessDeniedException no"}, exitEnvironment, "allow athena:GetQueryExecution"},
		{"no right to read", "SUCCEEDED", "", 0, map[string]string{"GetQueryResults": "AccessDeniedException no"}, exitEnvironment, "allow athena:GetQueryResults"},
		{"bad credentials", "", "", 0, map[string]string{"StartQueryExecution": "UnrecognizedClientException x"}, exitEnvironment, "check the credentials"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := player(t)
			p.states, p.reason, p.category, p.refuse = []string{"QUEUED", tt.state}, tt.reason, tt.category, tt.refuse
			code, out, errOut := asked(t, played(t, p), "SELECT 1")
			if code != tt.code || out != "" || !strings.Contains(errOut, tt.want) {
				t.Errorf("exit %d, %q, %s", code, out, errOut)
			}
			if stopped := slices.Contains(p.asked, "StopQueryExecution"); stopped != (tt.name == "no right to look") {
				t.Errorf("asked for %q", p.asked)
			}
		})
	}
}

func TestQueryInterrupted(t *testing.T) {
	for _, tt := range []struct {
		refuse map[string]string
		code   int
		want   string
	}{
		{nil, exitFailed, "interrupted; query q-1 was cancelled"},
		{map[string]string{"StopQueryExecution": "AccessDeniedException no"}, exitEnvironment, "goes on at Athena: athena: AccessDeniedException: no; allow athena:StopQueryExecution"},
	} {
		p := player(t)
		p.states, p.refuse = []string{"RUNNING"}, tt.refuse
		p.looked = sync.OnceFunc(func() { syscall.Kill(os.Getpid(), syscall.SIGINT) })
		began := time.Now()
		code, out, errOut := asked(t, played(t, p), "SELECT 1")
		if code != tt.code || out != "" || !strings.Contains(errOut, tt.want) || time.Since(began) > 5*time.Second {
			t.Errorf("exit %d after %v, %q, %s", code, time.Since(began), out, errOut)
		}
	}
}

func TestQueryInput(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	text := "kafka: {brokers: [b:1]}\nathena: {output: stock-lake/athena}\nconnectors: {copy: {topics: [stock], sink: {local: {dir: out, format: json}}}}\n"
	if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"give one query, in quotes":    {"query"},
		"not one of table, csv, json":  {"query", "SELECT 1", "-o", "xml"},
		"nowhere.yaml: no such file":   {"query", "SELECT 1", "-f", "nowhere.yaml"},
		"bad.yaml:2: athena.output":    {"query", "SELECT 1", "--file", bad},
		"unknown flag: --no-such-flag": {"query", "SELECT 1", "--no-such-flag"},
	} {
		var errOut bytes.Buffer
		if code := run(Builtin(), args, io.Discard, &errOut); code != exitInput || !strings.Contains(errOut.String(), want) {
			t.Errorf("%q: exit %d, %s", args, code, errOut.String())
		}
	}
}

// Without a file the SDK's own settings do.
func TestQueryWithoutFile(t *testing.T) {
	p := player(t)
	t.Chdir(t.TempDir())
	t.Setenv("AWS_ENDPOINT_URL", played(t, p))
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	var out, errOut bytes.Buffer
	code := run(Builtin(), []string{"query", "SELECT 1", "-o", "csv"}, &out, &errOut)
	if code != 0 || !strings.HasPrefix(out.String(), "index,close,up\n") || p.start["WorkGroup"] != "primary" || p.start["ResultConfiguration"] != nil {
		t.Errorf("exit %d, %s, %s, %v", code, &out, &errOut, p.start)
	}
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	errOut.Reset()
	if code := run(Builtin(), []string{"query", "SELECT 1"}, &out, &errOut); code != exitEnvironment || !strings.Contains(errOut.String(), "set region") {
		t.Errorf("exit %d, %s", code, &errOut)
	}
}

// A server that is not of our making: moto runs no SQL, but it has the states, and hands out the results that it was given.
func TestQueryOnMoto(t *testing.T) {
	url := parts.Moto(t)
	canned := `{"results": [{"rows": [{"Data": [{"VarCharValue": "index"}, {"VarCharValue": "rows"}]}, {"Data": [{"VarCharValue": "HSI"}, {"VarCharValue": "12"}]}],
		"column_info": [{"Name": "index", "Label": "index", "Type": "varchar"}, {"Name": "rows", "Label": "rows", "Type": "bigint"}]}]}`
	answer, err := http.Post(url+"/moto-api/static/athena/query-results", "application/json", strings.NewReader(canned))
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != http.StatusCreated {
		t.Fatal(answer.Status)
	}
	code, out, errOut := asked(t, url, "SELECT index, count(*) AS rows FROM stock GROUP BY 1", "--output", "json")
	if code != 0 || out != "[\n{\"index\":\"HSI\",\"rows\":12}\n]\n" || !strings.HasPrefix(errOut, "1 row, 0 B scanned, ") {
		t.Errorf("exit %d, %s%s", code, out, errOut)
	}
}
