"""The figures of a report's metrics table, worked out by polars or pandas from the same parquet tables.

python aggregate.py polars|pandas CAMPAIGN_FOLDER

A yardstick for `docs/benchmarks.md`: latencies of each request from its token chunks, all gaps between chunks, and
four percentiles of each metric. It knows no intervals, no validity and no charts.
"""

import resource
import sys
import time
from pathlib import Path

LEVELS = [0.5, 0.9, 0.95, 0.99]
KEYS = ["run", "launch", "idx"]
METRICS = ["ttft", "e2e", "tpot", "decode", "prefill"]
ROLE = 3


def with_polars(tables):
    import polars as pl

    chunks = pl.scan_parquet(tables / "chunks.parquet").filter((pl.col("kind") != ROLE) & (pl.col("n_bytes") > 0))
    by_request = chunks.group_by(KEYS).agg(pl.col("at_ns").first().alias("ttft"), pl.col("at_ns").last().alias("e2e"))
    requests = pl.scan_parquet(tables / "requests.parquet").select([*KEYS, "outcome", "prompt_tokens", "completion_tokens"])
    all_of = requests.filter(pl.col("outcome") == "ok").join(by_request, on=KEYS).with_columns(
        tpot=(pl.col("e2e") - pl.col("ttft")) / (pl.col("completion_tokens") - 1),
        prefill=1e9 * pl.col("prompt_tokens") / pl.col("ttft"),
    ).with_columns(decode=1e9 / pl.col("tpot"))
    quantiles = [pl.col(m).quantile(q, "higher").alias(f"{m} {q}") for m in METRICS for q in LEVELS]
    print(all_of.select(quantiles).collect())
    gaps = chunks.select(gap=pl.col("at_ns").diff().over(KEYS))
    print(gaps.select([pl.col("gap").quantile(q, "higher").alias(f"gap {q}") for q in LEVELS]).collect())


def with_pandas(tables):
    import pandas as pd

    chunks = pd.read_parquet(tables / "chunks.parquet", columns=[*KEYS, "at_ns", "kind", "n_bytes"])
    chunks = chunks[(chunks["kind"] != ROLE) & (chunks["n_bytes"] > 0)][[*KEYS, "at_ns"]]
    groups = chunks.groupby(KEYS, sort=False)["at_ns"]
    by_request = groups.agg(ttft="first", e2e="last").reset_index()
    columns = [*KEYS, "outcome", "prompt_tokens", "completion_tokens"]
    requests = pd.read_parquet(tables / "requests.parquet", columns=columns)
    all_of = requests[requests["outcome"] == "ok"].merge(by_request, on=KEYS)
    all_of["tpot"] = (all_of["e2e"] - all_of["ttft"]) / (all_of["completion_tokens"] - 1)
    all_of["decode"] = 1e9 / all_of["tpot"]
    all_of["prefill"] = 1e9 * all_of["prompt_tokens"] / all_of["ttft"]
    print(all_of[METRICS].quantile(LEVELS, interpolation="higher"))
    print(groups.diff().quantile(LEVELS, interpolation="higher"))


if __name__ == "__main__":
    began = time.monotonic()
    {"polars": with_polars, "pandas": with_pandas}[sys.argv[1]](Path(sys.argv[2]) / "tables")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{sys.argv[1]}: {time.monotonic() - began:.2f} s, {peak:.0f} MiB")
