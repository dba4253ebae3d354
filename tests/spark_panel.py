"""The panel expression on a local Spark, in a process of its own: spark_panel.py ROWS SERVICES OUT (all Parquet)."""

import sys

import ibis
import pandas as pd
from pyspark.sql import SparkSession

from helpers.intake.requests import aggregation

rows_file, services_file, out = sys.argv[1:]
session = (
    SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.shuffle.partitions", "4").getOrCreate()
)  # fmt: skip
backend = ibis.pyspark.connect(session)
rows = backend.read_parquet(rows_file)
ids = rows.group_by("application_id").aggregate(copies=rows.record.count())
single = rows.semi_join(ids.filter(ids.copies == 1), "application_id")
terms = pd.read_parquet(services_file)[["service_id", "statutory_days", "day_unit"]].astype(
    {"statutory_days": "float64"}
)
aggregation.panel(single, ibis.memtable(terms)).to_pandas().to_parquet(out)
session.stop()
