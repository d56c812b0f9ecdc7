"""Selected records of a log in the formats that other tools read. The log itself stays the evidence."""
