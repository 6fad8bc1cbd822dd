"""What came of it: time given back, how long answers took, who heard nothing, and who wrote. Each is counted by the database
and takes the rows to count, so that nobody's report speaks of rows that they may not see."""
