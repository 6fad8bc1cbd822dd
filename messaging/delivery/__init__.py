"""From a cleared message to the provider's answer, with at most one attempt that could have been accepted."""
