package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/aws/smithy-go"
	"github.com/dustin/go-humanize"
	"github.com/penstock/penstock/aws"
	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/worker"
	"github.com/spf13/cobra"
)

// athenaBlock is the athena block of connectors.yaml.
type athenaBlock struct {
	aws.Config `yaml:",inline"`
	Workgroup  string `yaml:"workgroup" doc:"The workgroup that penstock query runs in."`
	Database   string `yaml:"database" doc:"The database of tables that a query names without one."`
	Output     string `yaml:"output" doc:"Where Athena puts results, as in s3://bucket/athena/, unless the workgroup says."`
}

// Check holds the rules of the options.
func (b athenaBlock) Check() error {
	if b.Output == "" || strings.HasPrefix(b.Output, "s3://") {
		return nil
	}
	return plugin.Option("output", fmt.Errorf("%q is not a place in S3; write it as in s3://bucket/athena/", b.Output))
}

func athenaDefaults() athenaBlock { return athenaBlock{Workgroup: "primary"} }

// queryFile is connectors.yaml with the one block that no connector uses.
type queryFile struct {
	worker.File `yaml:",inline"`
	Athena      athenaBlock `yaml:"athena"`
}

func queryCommand(r *plugin.Registry) *cobra.Command {
	var file string
	var output *choice
	c := &cobra.Command{
		Use:   `query "SQL"`,
		Short: "Run a query on Athena and print its rows",
		Long: `Run a query on Athena, as the athena block of connectors.yaml says, wait for it and print its rows. What it scanned and how long it
took go to standard error. An interrupt cancels the query.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || strings.TrimSpace(args[0]) == "" {
				return coded{errors.New(`give one query, in quotes: penstock query "SELECT * FROM stock LIMIT 10"`), exitInput}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			rows := newRowWriter(output.is, c.OutOrStdout())
			block, err := readAthena(r, file, c.Flags().Changed("file"))
			if err != nil {
				return err
			}
			ctx, stop := signalled(c.Context())
			defer stop()
			loaded, err := aws.Load(ctx, block.Config)
			if err != nil {
				return coded{err, exitEnvironment}
			}
			q := athenaQuery{athenaBlock: block, client: athena.NewFromConfig(loaded, patient), errOut: c.ErrOrStderr()}
			return q.run(ctx, args[0], rows)
		},
	}
	c.Flags().StringVarP(&file, "file", "f", defaultFile, "the file with the athena block; without one, the workgroup is primary")
	output = outputFlag(c, "table", "csv", "json")
	return c
}

// patient has a request that is throttled sent again for half a minute or so, with jittered backoff.
func patient(o *athena.Options) { o.RetryMaxAttempts = 8 }

// readAthena reads the block. Only a file that the user named has to be there.
func readAthena(r *plugin.Registry, name string, named bool) (athenaBlock, error) {
	f := queryFile{File: *worker.Defaults(), Athena: athenaDefaults()}
	text, err := readText(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		return f.Athena, nil
	case err != nil:
		return f.Athena, err
	}
	err = plugin.Decode(r, name, text, &f)
	return f.Athena, err
}

// athenaQuery is one run of the command.
type athenaQuery struct {
	athenaBlock
	client *athena.Client
	errOut io.Writer
}

func (q *athenaQuery) run(ctx context.Context, sql string, rows rowWriter) error {
	in := &athena.StartQueryExecutionInput{QueryString: &sql, WorkGroup: &q.Workgroup}
	if q.Database != "" {
		in.QueryExecutionContext = &types.QueryExecutionContext{Database: &q.Database}
	}
	if q.Output != "" {
		in.ResultConfiguration = &types.ResultConfiguration{OutputLocation: &q.Output}
	}
	started, err := q.client.StartQueryExecution(context.WithoutCancel(ctx), in) // one that has begun has an id to be cancelled by
	if err != nil {
		return refused(err)
	}
	id := sdkaws.ToString(started.QueryExecutionId)
	done, err := q.wait(ctx, id)
	if err == nil {
		err = unsuccessful(done)
	}
	n := 0
	if err == nil {
		n, err = q.results(ctx, done, rows)
	}
	if done != nil {
		q.spent(done, n)
	}
	return err
}

// wait asks until the query has ended, at first often. When ctx ends before it does, Athena is told to end it too.
func (q *athenaQuery) wait(ctx context.Context, id string) (*types.QueryExecution, error) {
	for pause := 100 * time.Millisecond; ; pause = min(pause*3/2, 3*time.Second) {
		got, err := q.client.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: &id})
		if ctx.Err() != nil {
			return nil, q.cancel(ctx, id)
		}
		if err != nil {
			return nil, errors.Join(refused(err), q.stop(ctx, id))
		}
		switch state(got.QueryExecution) {
		case types.QueryExecutionStateSucceeded, types.QueryExecutionStateFailed, types.QueryExecutionStateCancelled:
			return got.QueryExecution, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

func state(e *types.QueryExecution) types.QueryExecutionState {
	if e == nil || e.Status == nil {
		return ""
	}
	return e.Status.State
}

func (q *athenaQuery) cancel(ctx context.Context, id string) error {
	if err := q.stop(ctx, id); err != nil {
		return fmt.Errorf("interrupted, but query %s goes on at Athena: %w", id, err)
	}
	return fmt.Errorf("interrupted; query %s was cancelled", id)
}

// stop has a query that nobody waits for cancelled, also after ctx is done.
func (q *athenaQuery) stop(ctx context.Context, id string) error {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer end()
	_, err := q.client.StopQueryExecution(ctx, &athena.StopQueryExecutionInput{QueryExecutionId: &id})
	if err != nil {
		return refused(err)
	}
	return nil
}

// results hands every row over, page by page, and counts them.
func (q *athenaQuery) results(ctx context.Context, done *types.QueryExecution, rows rowWriter) (n int, err error) {
	pages := athena.NewGetQueryResultsPaginator(q.client, &athena.GetQueryResultsInput{QueryExecutionId: done.QueryExecutionId, MaxResults: sdkaws.Int32(1000)})
	for first := true; pages.HasMorePages(); first = false {
		page, err := pages.NextPage(ctx)
		if ctx.Err() != nil {
			return n, errors.New("interrupted; not all rows are printed")
		}
		if err != nil {
			return n, refused(err)
		}
		set := page.ResultSet
		if set == nil {
			set = &types.ResultSet{}
		}
		if first {
			columns := columnsOf(set)
			if err := rows.begin(columns); err != nil {
				return n, err
			}
			if done.StatementType == types.StatementTypeDml && isHeader(set.Rows, columns) {
				set.Rows = set.Rows[1:]
			}
		}
		for _, r := range set.Rows {
			if err := rows.row(cellsOf(r)); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, rows.end()
}

func columnsOf(set *types.ResultSet) (all []column) {
	if set.ResultSetMetadata == nil {
		return nil
	}
	for _, c := range set.ResultSetMetadata.ColumnInfo {
		all = append(all, column{cmp.Or(sdkaws.ToString(c.Label), sdkaws.ToString(c.Name)), sdkaws.ToString(c.Type)})
	}
	return all
}

// isHeader tells whether the first row names the columns, as it does in what a SELECT gives.
func isHeader(rows []types.Row, columns []column) bool {
	if len(rows) == 0 || len(rows[0].Data) != len(columns) {
		return false
	}
	for i, d := range rows[0].Data {
		if sdkaws.ToString(d.VarCharValue) != columns[i].name {
			return false
		}
	}
	return true
}

// cellsOf gives a row's cells; nil is NULL.
func cellsOf(r types.Row) []*string {
	cells := make([]*string, len(r.Data))
	for i, d := range r.Data {
		cells[i] = d.VarCharValue
	}
	return cells
}

// spent says what a query came to, whether it succeeded or not: it is billed by what it scanned.
func (q *athenaQuery) spent(done *types.QueryExecution, rows int) {
	stats := done.Statistics
	if stats == nil {
		stats = &types.QueryExecutionStatistics{}
	}
	again := ""
	if reuse := stats.ResultReuseInformation; reuse != nil && reuse.ReusedPreviousResult {
		again = ", result of an earlier run"
	}
	fmt.Fprintf(q.errOut, "%s, %s scanned, %.1f s%s (query %s)\n", count(int64(rows), "row"), humanize.IBytes(uint64(sdkaws.ToInt64(stats.DataScannedInBytes))),
		float64(sdkaws.ToInt64(stats.TotalExecutionTimeInMillis))/1000, again, sdkaws.ToString(done.QueryExecutionId))
}

// unsuccessful is the error of a query that did not succeed. What the user can mend in the SQL is the user's input.
func unsuccessful(e *types.QueryExecution) error {
	if state(e) == types.QueryExecutionStateSucceeded {
		return nil
	}
	reason, code := sdkaws.ToString(e.Status.StateChangeReason), exitFailed
	if a := e.Status.AthenaError; a != nil {
		reason = cmp.Or(reason, sdkaws.ToString(a.ErrorMessage))
		if sdkaws.ToInt32(a.ErrorCategory) == 2 {
			code = exitInput
		}
		if a.Retryable {
			reason += "; it may succeed when run again"
		}
	}
	err := fmt.Errorf("athena: query %s %s: %s%s", sdkaws.ToString(e.QueryExecutionId), strings.ToLower(string(e.Status.State)),
		cmp.Or(reason, "no reason is given"), hint(failureRemedies, reason))
	return coded{err, code}
}

// failureRemedies are remedies by what the reason of a failure says.
var failureRemedies = []remedy{
	{"TABLE_NOT_FOUND", "start the crawler, or mend the table's name or athena.database"},
	{"does not exist", "start the crawler, or mend the table's name or athena.database"},
	{"SCHEMA_NOT_FOUND", "make the database, or mend athena.database"},
	{"HIVE_PARTITION_SCHEMA_MISMATCH", "have the crawler give partitions the table's columns (InheritFromTable), as one made by the glue hook's create does"},
	{"HIVE_BAD_DATA", "the table's columns are not the files' own; start the crawler again"},
	{"DUPLICATE_COLUMN", "a partition folder is named as a column is; rename one of the two in the connector's path"},
	{"Access Denied", "allow s3:GetObject and s3:ListBucket on the table's bucket, and s3:PutObject on the results' to these credentials"},
	{"bytes scanned limit", "select fewer columns or partitions, or raise the workgroup's limit"},
}

// refusalRemedies are remedies by what Athena, or what stands before it, answers to a request.
var refusalRemedies = []remedy{
	{"No output location", "set athena.output, or a location in the workgroup"},
	{"outputLocation", "set athena.output to a bucket of this region"},
	{"MetadataException", "make the database, or mend athena.database"},
	{"WorkGroup", "mend athena.workgroup"},
	{"UnrecognizedClientException", "check the credentials, and that they belong to this endpoint"},
	{"ExpiredTokenException", "renew the credentials"},
	{"TooManyRequestsException", "run it again when fewer queries run, or ask AWS for a higher rate"},
	{"ThrottlingException", "run it again when fewer queries run, or ask AWS for a higher rate"},
	{"get credentials", "set credentials: a profile in the aws block, AWS_ACCESS_KEY_ID, or a role"},
}

type remedy struct{ says, do string }

func hint(all []remedy, text string) string {
	text = strings.ToLower(text)
	for _, r := range all {
		if strings.Contains(text, strings.ToLower(r.says)) {
			return "; " + r.do
		}
	}
	return ""
}

// refused is the error of a request: what Athena calls invalid is the user's input, the rest is what is around.
func refused(err error) error {
	var api smithy.APIError
	var op *smithy.OperationError
	why := err
	if errors.As(err, &op) { // its own words hold the operation's name
		why = op.Err
	}
	code, do := exitEnvironment, hint(refusalRemedies, why.Error())
	if errors.As(err, &api) {
		switch {
		case strings.HasPrefix(api.ErrorCode(), "AccessDenied") && op != nil:
			do = fmt.Sprintf("; allow athena:%s on the workgroup to these credentials", op.OperationName)
		case api.ErrorCode() == "InvalidRequestException":
			code = exitInput
		}
		return coded{fmt.Errorf("athena: %s: %s%s", api.ErrorCode(), api.ErrorMessage(), do), code}
	}
	return coded{fmt.Errorf("athena: %w%s", err, do), code}
}
