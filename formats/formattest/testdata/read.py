"""Reads a Parquet file and a file of JSON lines by other people's readers, and prints what they see.

Arguments: the Parquet file, the JSON lines or nothing, and DuckDB's types of the columns of the latter as a JSON object.
Dates are days and timestamps microseconds since 1970, bytes are hexadecimal, decimals text.
"""
import json
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet

UNITS = {"s": 1_000_000, "ms": 1000, "us": 1}


def plain(cell):
    t = cell.type
    if not cell.is_valid:
        return None
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        return [plain(c) for c in cell.values]
    if pa.types.is_struct(t):
        return {f.name: plain(cell[f.name]) for f in t}
    if pa.types.is_timestamp(t):
        return cell.value * UNITS[t.unit]
    if pa.types.is_date(t):
        return cell.value
    if pa.types.is_decimal(t):
        return format(cell.as_py(), "f")
    if pa.types.is_binary(t) or pa.types.is_large_binary(t):
        return cell.as_py().hex()
    return cell.as_py()


def columns(table):
    return {name: [plain(c) for c in table.column(name)] for name in table.column_names}


def duck(sql):
    return columns(duckdb.sql(sql).to_arrow_table())


parquet, lines, types = sys.argv[1:]
seen = {
    "pyarrow": columns(pyarrow.parquet.read_table(parquet)),
    "duckdb": duck(f"SELECT * FROM read_parquet('{parquet}')"),
}
if lines:
    names = ", ".join(f"{n}: '{t}'" for n, t in json.loads(types).items())
    options = f"format='newline_delimited', columns={{{names}}}"
    seen["duckdb of JSON lines"] = duck(f"SELECT * FROM read_json('{lines}', {options})")
json.dump(seen, sys.stdout)
