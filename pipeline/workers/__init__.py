"""The hands of the loop: they carry one command out on a thread of their own and answer with one event.

No opinions here. What fails is answered as an event that carries an error of the tree; what fails in a way nobody
foresaw is answered as `internal_error`, so that one strange document never stops the next.
"""
