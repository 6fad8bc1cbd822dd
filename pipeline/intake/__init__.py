"""Candidates out of the exports of other systems: read, understood, judged row by row, and taken or sent back."""
