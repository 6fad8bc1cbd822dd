"""A company to try Byhand with: made by the product's own functions, the same on every machine, dated from today."""
