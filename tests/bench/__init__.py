"""How fast mail leaves with every guard on, beside what others do: `make bench-delivery`."""
