package files

import (
	"fmt"
	"strings"

	"github.com/penstock/penstock/plugin"
	"github.com/penstock/penstock/record"
)

// Advice is of sink.Advised: names that Athena reserves, and folders that it does not see.
func (e *engine) Advice(s *record.Schema, hooks bool) (all []error) {
	for _, part := range strings.Split(e.Prefix, "/") {
		if hidden(part) {
			all = append(all, plugin.Option("prefix", errHidden(part)))
		}
	}
	for _, part := range e.Path.segments() {
		if name := begins(part); hidden(name) {
			all = append(all, plugin.Option("path", errHidden(name)))
		}
	}
	for _, f := range e.Path.folders() {
		if why := reserved(f.key, true); why != "" {
			all = append(all, plugin.Option("path", fmt.Errorf("the folder %s= is a column to Athena, and %s", f.key, why)))
		}
	}
	p, err := newPlan(s, e.Path, e.raw, e.with)
	if err != nil {
		return all
	}
	for _, c := range p.file.Columns {
		if why := reserved(c.As, !hooks); why != "" {
			all = append(all, fmt.Errorf("column %q: %s", c.As, why))
		}
	}
	return all
}

// hidden tells a name that Hive and Athena pass by.
func hidden(name string) bool { return visible(name) != name }

func errHidden(name string) error {
	return fmt.Errorf("what stands in a folder whose name begins with %c, as in %s, is hidden from Athena and Hive; give it another name, unless that is wanted", name[0], name)
}

// reserved is what to do about a name that Athena reserves; "" about any other. A name that only its DDL reserves matters where
// somebody writes that by hand.
func reserved(name string, ddl bool) string {
	word := " " + strings.ToUpper(name) + " "
	switch {
	case strings.Contains(name, " "):
	case strings.Contains(reservedInSelect, word):
		return fmt.Sprintf("a word that Athena reserves; write %q in double quotes in queries, or choose another name", name)
	case ddl && strings.Contains(reservedInDDL, word):
		return fmt.Sprintf("a word that Athena's DDL reserves; write `%s` in backquotes in CREATE and ALTER TABLE, or choose another name", name)
	}
	return ""
}

const reservedInSelect = ` ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE CURRENT_PATH CURRENT_SCHEMA ` +
	`CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT DROP ELSE END ESCAPE EXCEPT EXECUTE EXISTS EXTRACT ` +
	`FALSE FIRST FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT INTERSECT INTO IS JOIN JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY ` +
	`JSON_TABLE JSON_VALUE LAST LEFT LIKE LISTAGG LOCALTIME LOCALTIMESTAMP NATURAL NORMALIZE NOT NULL OF ON OR ORDER OUTER PREPARE ` +
	`RECURSIVE RIGHT ROLLUP SELECT SKIP TABLE THEN TRIM TRUE UESCAPE UNION UNNEST USING VALUES WHEN WHERE WITH `

const reservedInDDL = ` ALL ALTER AND ARRAY AS AUTHORIZATION BETWEEN BIGINT BINARY BOOLEAN BOTH BY CASE CASHE CAST CHAR COLUMN CONF CONSTRAINT ` +
	`COMMIT CREATE CROSS CUBE CURRENT CURRENT_DATE CURRENT_TIMESTAMP CURSOR DATABASE DATE DAYOFWEEK DECIMAL DELETE DESCRIBE DISTINCT DIV ` +
	`DOUBLE DROP ELSE END EXCHANGE EXISTS EXTENDED EXTERNAL EXTRACT FALSE FETCH FLOAT FLOOR FOLLOWING FOR FOREIGN FROM FULL FUNCTION ` +
	`GRANT GROUP GROUPING HAVING IF IMPORT IN INNER INSERT INT INTEGER INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LESS LIKE LOCAL ` +
	`MACRO MAP MORE NONE NOT NULL NUMERIC OF ON ONLY OR ORDER OUT OUTER OVER PARTIALSCAN PARTITION PERCENT PRECEDING PRECISION PRESERVE ` +
	`PRIMARY PROCEDURE RANGE READS REDUCE REGEXP REFERENCES REVOKE RIGHT RLIKE ROLLBACK ROLLUP ROW ROWS SELECT SET SMALLINT START ` +
	`TABLE TABLESAMPLE THEN TIME TIMESTAMP TO TRANSFORM TRIGGER TRUE TRUNCATE UNBOUNDED UNION UNIQUEJOIN UPDATE USER USING ` +
	`UTC_TIMESTAMP VALUES VARCHAR VIEWS WHEN WHERE WINDOW WITH `
