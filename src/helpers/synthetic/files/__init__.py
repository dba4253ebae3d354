"""Files of the demonstration as ministries would send them, by rating."""
