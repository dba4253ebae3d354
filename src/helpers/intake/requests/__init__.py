"""From a log of applications, one row each, to the monthly service panel.

`columns` recognises the columns, `reading` streams any log as text batches, `rows` turns a batch into typed rows and
refusals, `staging` keeps typed rows per file on disk so that interrupted runs resume, `aggregation` is the one Ibis
expression that makes the panel on DuckDB or Spark, `panel` puts them in order.
"""
