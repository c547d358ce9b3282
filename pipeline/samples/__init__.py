"""Documents drawn on the spot, so that everything can be tried without a file of anybody's. Nothing here is a binary:
each sample is a function, and draws the same picture every time.
"""
