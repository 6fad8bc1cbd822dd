"""Who may send what: the floor as data, and the decision as one pure function. Standard library only."""
