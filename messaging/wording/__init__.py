"""What a wording may say and whose words it is: placeholders, rendering, kinship, voice check and tripwire, as
functions on text.

Nothing in this package reads a row, a clock or a setting; the same text and values always give the same answer.
"""
