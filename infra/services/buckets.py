"""Which buckets does the store start with, and which of them tells Kafka of new objects."""

from __future__ import annotations

import importlib.util

from infra.services.failures import Failed
from infra.services.say import say

DOCUMENTS = "documents"
RESULTS = "results"
TARGET = "PRIMARY"  # the store's name for its Kafka connection; part of its environment variables and of the ARN below


def create(endpoint: str, *, keys: tuple[str, str], notify: bool) -> None:
    """Make what is missing. Only the input bucket notifies: results that came back as documents would never end."""
    if importlib.util.find_spec("minio") is None:
        say("minio      no buckets made: no minio package here; use .venv/bin/python, which `make setup` makes")
        return
    from minio import Minio
    from minio.error import MinioException
    from minio.notificationconfig import NotificationConfig, QueueConfig
    from urllib3 import PoolManager, Timeout
    from urllib3.exceptions import HTTPError

    http = PoolManager(timeout=Timeout(connect=3, read=15), retries=3)
    client = Minio(endpoint, *keys, secure=False, region="us-east-1", http_client=http)
    queue = QueueConfig(queue=f"arn:minio:sqs::{TARGET}:kafka", events=["s3:ObjectCreated:*"])
    try:
        for bucket in (DOCUMENTS, RESULTS):
            if not client.bucket_exists(bucket):
                client.make_bucket(bucket)
        if notify:
            client.set_bucket_notification(DOCUMENTS, NotificationConfig(queue_config_list=[queue]))
    except (MinioException, HTTPError) as error:
        raise Failed(f"the buckets could not be set up: {error}") from error
