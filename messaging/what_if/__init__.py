"""What other rules would have meant: before somebody saves one, the last weeks are decided again as if it had stood."""
