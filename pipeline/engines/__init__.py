"""Models on a device: arrays in, text and boxes out."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# Set before onnxruntime is imported: it queues events about machine and models for its maker otherwise.
