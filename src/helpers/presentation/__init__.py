"""Tables become what people see: results, sentences, charts, pages and messages."""
