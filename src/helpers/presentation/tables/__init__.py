"""Tables of a report: built from the result object, written as HTML, CSV and XLSX."""
