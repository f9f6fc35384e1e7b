"""What is told to people and programs outside, and how it reaches them. Nobody's request waits for any of it.

``webhook`` posts signed JSON, ``mail`` sends letters; each call takes a few seconds at most or fails.
"""
