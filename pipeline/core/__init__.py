"""Decisions only: events in, commands out.

Nothing here may read a clock, touch the network or a file, start a thread, log, or look into an array. Time comes in
as an argument (`now`, seconds since the epoch); images and results pass through as opaque payloads.
"""
