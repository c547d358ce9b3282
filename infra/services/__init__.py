"""Real Kafka, an S3-compatible store and Jaeger on one machine without containers.

`python -m infra.services up|down|status|run`. Standard library only, so any Python 3.11 can run it; topics, buckets and
notifications need the project's own `.venv`. Everything listens on 127.0.0.1 and ends by its own process id.
"""
